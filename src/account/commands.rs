//! The commands of an account's object.

use crate::account::asserted_grants::{Asserted, GrantAsserted};
use crate::account::command::{Accounts, commands};
use crate::account::device_grants::{AllowDevice, RedeemDeviceCode, Tried, TryError, TryUserCode};
use crate::account::exchanges::{ExchangeToken, Exchanged};
use crate::account::grants::{
    AllowError, AllowRequest, Authorize, Decided, DescribeRefreshToken, EndGrant, EndGrants, RedeemCode, RefreshGrant,
    RevokeGrant, RevokeToken, SuspendClient, TokenStatus, Tokens, WithdrawConsent,
};
use crate::account::identity_assertions::{AssertIdentity, AssertedIdentity};
use crate::account::narrowing::NarrowGrants;
use crate::account::overview::{Overview, ReadOverview};
use crate::account::passkeys::{
    AddPasskey, AddPasskeyError, ReadPasskey, RemoveOwnPasskey, RemovePasskey, RemovePasskeyError, RemovePasskeys,
    RenamePasskey,
};
use crate::account::profile::{CreateAccount, ReadAccount, RemoveAccount, ReplaceAccount, Replaced, SetProfile};
use crate::account::record::{AccountRecord, PasskeyRecord};
use crate::account::sessions::{CheckStepUp, EndSession, EndSessions, OpenSession, Opened, SecureAccount};
use crate::account::turn::{Ended, StepUpError, Turn};
use crate::oauth::grant::{Described, GrantRefusal};

commands! {
    /// A command that an account's object has received.
    AccountRequest in Accounts, on Turn {
        "add_passkey" => AddPasskey -> Result<(), AddPasskeyError>,
        "allow_device" => AllowDevice -> Result<(), AllowError>,
        "allow_request" => AllowRequest -> Result<(), AllowError>,
        "assert_identity" => AssertIdentity -> Result<AssertedIdentity, GrantRefusal>,
        "authorize" => Authorize -> Decided,
        "check_step_up" => CheckStepUp -> Result<(), StepUpError>,
        "create_account" => CreateAccount -> bool,
        "describe_refresh_token" => DescribeRefreshToken -> Option<Described>,
        "end_grant" => EndGrant -> bool,
        "end_grants" => EndGrants -> Option<u64>,
        "end_session" => EndSession -> Option<u64>,
        "end_sessions" => EndSessions -> Option<u64>,
        "exchange_token" => ExchangeToken -> Result<Exchanged, GrantRefusal>,
        "grant_asserted" => GrantAsserted -> Result<Asserted, GrantRefusal>,
        "narrow_grants" => NarrowGrants -> Option<u64>,
        "open_session" => OpenSession -> Opened,
        "read_account" => ReadAccount -> Option<AccountRecord>,
        "read_overview" => ReadOverview -> Option<Box<Overview>>,
        "read_passkey" => ReadPasskey -> Option<PasskeyRecord>,
        "redeem_code" => RedeemCode -> Result<Tokens, GrantRefusal>,
        "redeem_device_code" => RedeemDeviceCode -> Result<Tokens, GrantRefusal>,
        "refresh_grant" => RefreshGrant -> Result<Tokens, GrantRefusal>,
        "remove_account" => RemoveAccount -> bool,
        "remove_own_passkey" => RemoveOwnPasskey -> Result<Ended, RemovePasskeyError>,
        "remove_passkey" => RemovePasskey -> Option<Ended>,
        "remove_passkeys" => RemovePasskeys -> Option<Ended>,
        "rename_passkey" => RenamePasskey -> bool,
        "replace_account" => ReplaceAccount -> Replaced,
        "revoke_grant" => RevokeGrant -> Result<(), GrantRefusal>,
        "revoke_token" => RevokeToken -> (),
        "secure_account" => SecureAccount -> Option<Ended>,
        "set_profile" => SetProfile -> Replaced,
        "suspend_client" => SuspendClient -> (),
        "token_status" => TokenStatus -> Option<AccountRecord>,
        "try_user_code" => TryUserCode -> Result<Tried, TryError>,
        "withdraw_consent" => WithdrawConsent -> Option<u64>,
    }
}
