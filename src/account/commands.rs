//! The commands of an account's object.

use crate::account::command::commands;
use crate::account::grants::{
    AllowRequest, Authorize, DescribeRefreshToken, EndGrant, EndGrants, RedeemCode, RefreshGrant, RevokeGrant,
    RevokeToken, TokenStatus, WithdrawConsent,
};
use crate::account::overview::ReadOverview;
use crate::account::passkeys::{
    AddPasskey, ReadPasskey, RemoveOwnPasskey, RemovePasskey, RemovePasskeys, RenamePasskey,
};
use crate::account::profile::{CreateAccount, ReadAccount, RemoveAccount, ReplaceAccount, SetProfile};
use crate::account::sessions::{CheckStepUp, EndSession, EndSessions, OpenSession, SecureAccount};
use crate::account::turn::Turn;

commands! {
    /// A command that an account's object has received.
    AccountRequest on Turn {
        "add_passkey" => AddPasskey,
        "allow_request" => AllowRequest,
        "authorize" => Authorize,
        "check_step_up" => CheckStepUp,
        "create_account" => CreateAccount,
        "describe_refresh_token" => DescribeRefreshToken,
        "end_grant" => EndGrant,
        "end_grants" => EndGrants,
        "end_session" => EndSession,
        "end_sessions" => EndSessions,
        "open_session" => OpenSession,
        "read_account" => ReadAccount,
        "read_overview" => ReadOverview,
        "read_passkey" => ReadPasskey,
        "redeem_code" => RedeemCode,
        "refresh_grant" => RefreshGrant,
        "remove_account" => RemoveAccount,
        "remove_own_passkey" => RemoveOwnPasskey,
        "remove_passkey" => RemovePasskey,
        "remove_passkeys" => RemovePasskeys,
        "rename_passkey" => RenamePasskey,
        "replace_account" => ReplaceAccount,
        "revoke_grant" => RevokeGrant,
        "revoke_token" => RevokeToken,
        "secure_account" => SecureAccount,
        "set_profile" => SetProfile,
        "token_status" => TokenStatus,
        "withdraw_consent" => WithdrawConsent,
    }
}
