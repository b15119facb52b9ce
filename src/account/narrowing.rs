//! What an account does when a resource is removed: its grants and consents lose that resource and no other.

use serde::{Deserialize, Serialize};

use crate::account::record::AccountRecord;
use crate::account::turn::{AccountCommand, Turn};
use crate::oauth::admin::bulk::GrantFilter;
use crate::oauth::grant::Grant;
use crate::oauth::grant::consent::Consent;
use crate::oauth::vocabulary::client::ClientId;
use crate::oauth::vocabulary::resource::Resource;
use crate::records::{Records, StorageError, Table, ends_at};
use crate::token::UnixTime;

/// Takes a resource from grants and consents. A grant that has no other resource is revoked; any other stays active, and its status
/// list entry is not marked. Returns the number of grants that had the resource, `None` without an account. The number includes what
/// was done for the job before: a caller that crashed before it stored the answer repeats the command.
#[derive(Deserialize, Serialize)]
pub struct NarrowGrants {
    /// The removed resource.
    pub resource: Resource,
    /// The client; `None` for all.
    pub client: Option<ClientId>,
    /// Only grants that were allowed before this time; `None` for all. Consents lose the resource whenever they were given.
    pub before: Option<UnixTime>,
    /// The job's identifier.
    pub job: Option<String>,
}

impl AccountCommand for NarrowGrants {
    fn run<R: Records>(self, turn: &Turn<'_, R>, _: AccountRecord) -> Result<Option<u64>, StorageError> {
        let Self { resource, client, before, job } = self;
        // The consents first: the number of grants is the answer, and a turn that fails is repeated.
        turn.narrow_consents(client.as_ref(), &resource)?;
        let which = GrantFilter { client, resource: Some(resource.clone()), before };
        turn.count_for(job.as_deref(), || turn.narrow_grants(&which, &resource)).map(Some)
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Option<u64>, StorageError> {
        Ok(None)
    }
}

impl<R: Records> Turn<'_, R> {
    fn narrow_grants(&self, which: &GrantFilter, resource: &Resource) -> Result<u64, StorageError> {
        let mut count = 0;
        for (id, grant) in self.records.list::<Grant>(Table::Grant)?.into_iter().filter(|(_, it)| which.matches(it)) {
            match grant.clone().without_resource(resource, self.now) {
                Some(left) => self.records.put(Table::Grant, &id, ends_at(left.ends(self.lifetimes())), &left)?,
                None => self.end_grant(&id, &grant)?,
            }
            count += 1;
        }
        Ok(count)
    }

    fn narrow_consents(&self, client: Option<&ClientId>, resource: &Resource) -> Result<(), StorageError> {
        let consents = match client {
            Some(client) => self.consent(client)?.map(|consent| (client.to_string(), consent)).into_iter().collect(),
            None => self.records.list::<Consent>(Table::Consent)?,
        };
        for (id, stored) in consents {
            let stored = stored.paired(self.authority.issuer());
            let left = stored.clone().without(resource);
            if left != stored {
                self.records.put(Table::Consent, &id, None, &left)?;
            }
        }
        Ok(())
    }
}
