//! The flags of clients that cannot change (see [`ClientFlag`]), which only operators set.

use serde_json::{Map, Value};

use super::{Registration, optional};
use crate::oauth::refusal::MetadataError;
use crate::oauth::vocabulary::compatibility::ClientFlag;

impl Registration {
    /// Adds the flags of an operator's request (see [`ClientFlag`]). Clients that register themselves must not choose them.
    ///
    /// # Errors
    /// The error of the first flag that is no boolean, or that the client cannot use.
    pub fn with_flags(mut self, body: &Map<String, Value>) -> Result<Self, MetadataError> {
        for flag in ClientFlag::ALL {
            let error = match flag {
                ClientFlag::AssertionWithoutJti => MetadataError::AssertionWithoutJti,
                ClientFlag::DeviceWithoutSecret => MetadataError::DeviceWithoutSecret,
                ClientFlag::WithoutPkce => MetadataError::RequirePkce,
            };
            *self.metadata.flag(flag) = optional(body, flag.name(), Value::as_bool, error)?;
            if self.metadata.has_flag(flag) && !self.metadata.can_use_flag(flag) {
                return Err(error);
            }
        }
        Ok(self)
    }
}
