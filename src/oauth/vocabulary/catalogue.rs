//! The catalogue of an issuer: lists that an operator maintains and that every token request reads.
//!
//! It is one record with one writer, so that an isolate has it in memory as a whole. To add a list, add a member to [`Catalogue`],
//! implement [`Entry`] for its entries, and add a row to the commands of the catalogue's object.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::oauth::vocabulary::exchange_rule::{ExchangeRule, ExchangeRuleId};
use crate::oauth::vocabulary::protected_resource::{AdmittedClients, ProtectedResource, RemovedResource, ResourceId};
use crate::oauth::vocabulary::resource::Resource;
use crate::token::UnixTime;

/// The maximum length of the catalogue as JSON, bytes: every isolate reads it, and the rules of a client travel with its requests to
/// accounts.
pub const MAX_BYTES: usize = 256 * 1024;

/// The catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Catalogue {
    /// Counts the changes, and is at least the time of the last, so that it also grows after a restored backup: an isolate never returns to
    /// an earlier state than it has seen.
    #[serde(default)]
    version: u64,
    /// The registered resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    resources: Vec<ProtectedResource>,
    /// Resources that are being taken from clients.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    removed_resources: Vec<RemovedResource>,
    /// The rules of token exchange.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exchange_rules: Vec<ExchangeRule>,
}

/// An entry of a list of the catalogue.
pub trait Entry: Clone + Serialize + DeserializeOwned {
    /// Its identifier, unique in its list.
    type Id: Clone + PartialEq + Serialize + DeserializeOwned;

    /// The maximum number of entries.
    const MOST: usize;

    /// Returns the identifier.
    fn id(&self) -> Self::Id;

    /// Returns the list.
    fn list(catalogue: &Catalogue) -> &[Self];

    /// Returns the list, for changes.
    fn list_mut(catalogue: &mut Catalogue) -> &mut Vec<Self>;

    /// Checks that it may be created while the other lists are as they are.
    ///
    /// # Errors
    /// [`EditError`]; none by default.
    fn check_new(&self, _: &Catalogue) -> Result<(), EditError> {
        Ok(())
    }

    /// Takes over what a replacement keeps of the old entry; nothing by default.
    fn keep(&mut self, _old: &Self) {}

    /// Notes in the other lists that it was removed; nothing by default.
    fn removed(self, _: &mut Catalogue, _now: UnixTime) {}
}

/// A change of one entry.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", bound = "")]
pub enum Edit<E: Entry> {
    /// Adds an entry.
    Create(E),
    /// Replaces the entry with the same identifier.
    Replace(E),
    /// Removes an entry.
    Remove(E::Id),
}

/// Why an entry cannot be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EditError {
    /// An entry with this identifier exists.
    Exists,
    /// There is no entry with this identifier.
    Missing,
    /// The list or the catalogue is full.
    Full,
    /// An entry with this identifier was removed, which has consequences that are not complete.
    Removing,
}

impl Catalogue {
    /// Returns the registered resources.
    pub fn resources(&self) -> &[ProtectedResource] {
        &self.resources
    }

    /// Returns the record of a resource, if it is registered.
    pub fn resource(&self, identifier: &Resource) -> Option<&ProtectedResource> {
        self.resources.iter().find(|resource| resource.identifier == *identifier)
    }

    /// Returns whether a resource was removed and is still being taken from clients.
    pub fn is_being_removed(&self, identifier: &Resource) -> bool {
        self.removed_resources.iter().any(|removed| removed.identifier == *identifier)
    }

    /// Returns the clients that a resource admits or, while it is being removed, has admitted.
    pub fn clients_of(&self, identifier: &Resource) -> Option<&AdmittedClients> {
        let removed = || self.removed_resources.iter().find(|removed| removed.identifier == *identifier);
        let registered = self.resource(identifier).map(|resource| &resource.clients);
        registered.or_else(|| removed().map(|removed| &removed.clients))
    }

    /// Returns the rules of token exchange.
    pub fn exchange_rules(&self) -> &[ExchangeRule] {
        &self.exchange_rules
    }

    /// Returns an entry by its identifier.
    pub fn find<E: Entry>(&self, id: &E::Id) -> Option<&E> {
        E::list(self).iter().find(|entry| entry.id() == *id)
    }

    /// Returns whether it is older than another state of the same catalogue.
    pub fn is_older_than(&self, other: &Self) -> bool {
        self.version < other.version
    }

    /// Returns the same catalogue as the state that follows another one.
    #[must_use]
    pub fn following(self, other: &Self, now: UnixTime) -> Self {
        Self { version: other.version.saturating_add(1).max(now.0), ..self }
    }

    /// Returns the catalogue after a change.
    ///
    /// # Errors
    /// [`EditError`]. A removal fails only if the entry is missing or its consequences cannot be noted.
    pub fn edited<E: Entry>(&self, edit: Edit<E>, now: UnixTime) -> Result<Self, EditError> {
        let mut new = self.clone().following(self, now);
        match edit {
            Edit::Create(entry) => {
                if self.find::<E>(&entry.id()).is_some() {
                    return Err(EditError::Exists);
                }
                entry.check_new(self)?;
                E::list_mut(&mut new).push(entry);
                new.checked::<E>()
            }
            Edit::Replace(mut entry) => {
                let id = entry.id();
                let old = E::list_mut(&mut new).iter_mut().find(|old| old.id() == id).ok_or(EditError::Missing)?;
                entry.keep(old);
                *old = entry;
                new.checked::<E>()
            }
            Edit::Remove(id) => {
                let list = E::list_mut(&mut new);
                let at = list.iter().position(|entry| entry.id() == id).ok_or(EditError::Missing)?;
                list.remove(at).removed(&mut new, now);
                Ok(new)
            }
        }
    }

    fn checked<E: Entry>(self) -> Result<Self, EditError> {
        let is_short = serde_json::to_string(&self).is_ok_and(|text| text.len() <= MAX_BYTES);
        if is_short && E::list(&self).len() <= E::MOST { Ok(self) } else { Err(EditError::Full) }
    }
}

impl Entry for ProtectedResource {
    type Id = ResourceId;

    const MOST: usize = 200;

    fn id(&self) -> ResourceId {
        self.id()
    }

    fn list(catalogue: &Catalogue) -> &[Self] {
        &catalogue.resources
    }

    fn list_mut(catalogue: &mut Catalogue) -> &mut Vec<Self> {
        &mut catalogue.resources
    }

    fn check_new(&self, catalogue: &Catalogue) -> Result<(), EditError> {
        if catalogue.is_being_removed(&self.identifier) { Err(EditError::Removing) } else { Ok(()) }
    }

    fn keep(&mut self, old: &Self) {
        self.created_at = old.created_at;
    }

    fn removed(self, catalogue: &mut Catalogue, now: UnixTime) {
        let Self { identifier, clients, .. } = self;
        catalogue.removed_resources.push(RemovedResource { identifier, removed_at: now, clients });
    }
}

impl Entry for RemovedResource {
    type Id = ResourceId;

    // Each was a registered resource, and goes when the removal is complete.
    const MOST: usize = usize::MAX;

    fn id(&self) -> ResourceId {
        ResourceId::of(self.identifier.as_str())
    }

    fn list(catalogue: &Catalogue) -> &[Self] {
        &catalogue.removed_resources
    }

    fn list_mut(catalogue: &mut Catalogue) -> &mut Vec<Self> {
        &mut catalogue.removed_resources
    }
}

impl Entry for ExchangeRule {
    type Id = ExchangeRuleId;

    const MOST: usize = 500;

    fn id(&self) -> ExchangeRuleId {
        self.id()
    }

    fn list(catalogue: &Catalogue) -> &[Self] {
        &catalogue.exchange_rules
    }

    fn list_mut(catalogue: &mut Catalogue) -> &mut Vec<Self> {
        &mut catalogue.exchange_rules
    }

    fn check_new(&self, catalogue: &Catalogue) -> Result<(), EditError> {
        let is_gone = self.targets.iter().any(|target| catalogue.is_being_removed(target));
        if is_gone { Err(EditError::Removing) } else { Ok(()) }
    }

    fn keep(&mut self, old: &Self) {
        self.created_at = old.created_at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::vocabulary::protected_resource::ClientClass;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn resource(text: &str) -> ProtectedResource {
        ProtectedResource {
            identifier: Resource::parse(text).unwrap(),
            created_at: NOW,
            name: "Files".to_owned(),
            scopes: Vec::new(),
            access_token_lifetime: None,
            signing_algorithm: None,
            clients: AdmittedClients::Class(ClientClass::All),
            acr: None,
            max_age: None,
            other_audiences: false,
            introspection_client: None,
        }
    }

    fn with(resources: &[&str]) -> Catalogue {
        let create = |catalogue: Catalogue, text: &&str| catalogue.edited(Edit::Create(resource(text)), NOW).unwrap();
        resources.iter().fold(Catalogue::default(), create)
    }

    fn remove(text: &str) -> Edit<ProtectedResource> {
        Edit::Remove(resource(text).id())
    }

    #[test]
    fn entries_are_created_replaced_and_removed() {
        let catalogue = with(&["urn:a", "urn:b"]);
        assert_eq!(catalogue.edited(Edit::Create(resource("urn:a")), NOW), Err(EditError::Exists));
        let renamed = ProtectedResource { name: "Photos".to_owned(), created_at: UnixTime(7), ..resource("urn:b") };
        let replaced = catalogue.edited(Edit::Replace(renamed.clone()), NOW).unwrap();
        let found = replaced.resource(&renamed.identifier).unwrap();
        assert_eq!((found.name.as_str(), found.created_at), ("Photos", NOW), "the time of registration stays");
        assert_eq!(replaced.resources().len(), 2);
        let removed = replaced.edited(remove("urn:a"), NOW).unwrap();
        assert_eq!(removed.resources(), std::slice::from_ref(found));
        assert_eq!(removed.edited(remove("urn:a"), NOW), Err(EditError::Missing));
        assert_eq!(removed.edited(Edit::Replace(resource("urn:a")), NOW), Err(EditError::Missing));
    }

    #[test]
    fn a_resource_that_is_being_removed_is_known_until_that_is_complete() {
        let gone = resource("urn:a");
        let catalogue = with(&["urn:a"]).edited(remove("urn:a"), NOW).unwrap();
        assert!(catalogue.is_being_removed(&gone.identifier) && catalogue.resource(&gone.identifier).is_none());
        assert_eq!(catalogue.clients_of(&gone.identifier), Some(&gone.clients));
        assert_eq!(catalogue.edited(Edit::Create(gone.clone()), NOW), Err(EditError::Removing));
        let complete = catalogue.edited(Edit::<RemovedResource>::Remove(gone.id()), NOW).unwrap();
        assert!(!complete.is_being_removed(&gone.identifier));
        assert!(complete.edited(Edit::Create(gone), NOW).is_ok());
    }

    #[test]
    fn each_change_has_a_higher_version_even_after_a_restored_backup() {
        let old = with(&["urn:a"]);
        let newer = old.edited(Edit::Create(resource("urn:b")), NOW).unwrap();
        assert!(old.is_older_than(&newer) && !newer.is_older_than(&old) && !newer.is_older_than(&newer));
        // The object is restored to the old state; its next change is later than those that were lost.
        let restored = old.edited(Edit::Create(resource("urn:c")), NOW.plus(60)).unwrap();
        assert!(newer.is_older_than(&restored));
        assert!(Catalogue::default().is_older_than(&old));
    }

    #[test]
    fn a_full_catalogue_refuses_entries_and_still_removes_them() {
        let mut full = Catalogue::default();
        for number in 0..ProtectedResource::MOST {
            full = full.edited(Edit::Create(resource(&format!("urn:{number}"))), NOW).unwrap();
        }
        assert_eq!(full.edited(Edit::Create(resource("urn:more")), NOW), Err(EditError::Full));
        let removed = full.edited(remove("urn:7"), NOW).unwrap();
        assert!(removed.edited(Edit::Create(resource("urn:more")), NOW).is_ok());
        let large = ProtectedResource { name: "x".repeat(MAX_BYTES), ..resource("urn:8") };
        assert_eq!(removed.edited(Edit::Replace(large.clone()), NOW), Err(EditError::Full));
        assert_eq!(Catalogue::default().edited(Edit::Create(large), NOW), Err(EditError::Full));
    }

    #[test]
    fn the_stored_form_is_read_with_and_without_each_list() {
        let text = r#"{"version":1800000000,"resources":[{"identifier":"urn:a","created_at":1800000000,"name":"Files","scopes":[],"clients":"all","other_audiences":false}]}"#;
        assert_eq!(serde_json::to_string(&with(&["urn:a"])).unwrap(), text);
        assert_eq!(serde_json::from_str::<Catalogue>(text).unwrap(), with(&["urn:a"]));
        assert_eq!(serde_json::from_str::<Catalogue>("{}").unwrap(), Catalogue::default());
        assert!(serde_json::from_str::<Catalogue>(r#"{"resources":[{"identifier":"a#b"}]}"#).is_err());
    }

    #[test]
    fn a_change_travels_as_json() {
        let text = serde_json::to_string(&remove("urn:a")).unwrap();
        assert_eq!(text, format!(r#"{{"remove":"{}"}}"#, resource("urn:a").id()));
        let read: Edit<ProtectedResource> = serde_json::from_str(&text).unwrap();
        assert!(with(&["urn:a"]).edited(read, NOW).is_ok());
    }

    #[test]
    fn exchange_rules_are_a_list_of_their_own() {
        let rule = |target: &str, at| -> ExchangeRule {
            let text = format!(
                r#"{{"client":"app","sources":["urn:s"],"targets":["{target}"],"scope":"","mode":"delegation","created_at":{at}}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        let catalogue = with(&["urn:a"]).edited(Edit::Create(rule("urn:b", 7)), NOW).unwrap();
        assert_eq!(catalogue.exchange_rules(), [rule("urn:b", 7)]);
        assert_eq!(catalogue.edited(Edit::Create(rule("urn:b", 8)), NOW), Err(EditError::Exists));
        let replaced = catalogue.edited(Edit::Replace(rule("urn:b", 8)), NOW).unwrap();
        assert_eq!(replaced.exchange_rules(), [rule("urn:b", 7)], "the time of creation stays");
        assert_eq!(catalogue.edited(Edit::Replace(rule("urn:c", 8)), NOW), Err(EditError::Missing));
        let read: Catalogue = serde_json::from_str(&serde_json::to_string(&catalogue).unwrap()).unwrap();
        assert_eq!(read, catalogue);
        let gone = catalogue.edited(remove("urn:a"), NOW).unwrap();
        assert_eq!(gone.edited(Edit::Create(rule("urn:a", 7)), NOW), Err(EditError::Removing));
        let empty = gone.edited(Edit::<ExchangeRule>::Remove(rule("urn:b", 7).id()), NOW).unwrap();
        assert!(empty.exchange_rules().is_empty() && empty.is_being_removed(&resource("urn:a").identifier));
    }
}
