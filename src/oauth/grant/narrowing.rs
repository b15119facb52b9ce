//! Taking a resource from a grant: the grant stays active for the others.

use crate::oauth::grant::lost_resource::LostResource;
use crate::oauth::grant::record::Grant;
use crate::oauth::vocabulary::resource::Resource;
use crate::token::UnixTime;

impl Grant {
    /// Returns the grant without a resource; `None` if it has no other, so that nothing of it is left.
    #[must_use]
    pub fn without_resource(mut self, resource: &Resource, now: UnixTime) -> Option<Self> {
        self.resources.retain(|own| own != resource);
        self.lost.retain(|lost| lost.resource != *resource && lost.matters(now));
        self.lost.push(LostResource { resource: resource.clone(), at: now });
        (!self.resources.is_empty()).then_some(self)
    }

    /// Returns whether the grant has lost a resource of this audience of an access token. Such a token is inactive: it would be accepted
    /// at a resource that the grant does not cover any more.
    pub fn has_lost_any(&self, audience: &[Resource], now: UnixTime) -> bool {
        self.lost.iter().any(|lost| lost.matters(now) && audience.contains(&lost.resource))
    }
}
