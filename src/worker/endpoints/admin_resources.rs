//! The admin endpoints for resources. The router has verified an access token with the admin scope.

use serde_json::json;

use crate::identity::characters::disturbs_names;
use crate::oauth::Refusal;
use crate::oauth::admin::resource::{parse, shown};
use crate::oauth::refusal::ResourceError;
use crate::oauth::vocabulary::catalogue::{Edit, EditError};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::vocabulary::protected_resource::{ProtectedResource, RemovedResource, ResourceId};
use crate::oauth::vocabulary::resource::Resource;
use crate::wire::Reply;
use crate::worker::endpoints::admin_jobs;
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::report::RequestError;
use crate::worker::services::catalogue;

/// `POST /admin/resources`.
pub(crate) async fn create(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let record = record_of(platform, request).await?;
    let id = record.id();
    let reply = edited(platform, Edit::Create(record), &id, EventKind::ResourceCreated).await?;
    let location = platform.authority().endpoint(&format!("/admin/resources/{id}"));
    Ok(Reply { status: 201, ..reply }.with("Location", location))
}

/// `GET /admin/resources`: all of them.
pub(crate) async fn list(platform: &Platform) -> Result<Reply, RequestError> {
    let catalogue = catalogue::exact(platform).await?;
    let resources: Vec<_> = catalogue.resources().iter().map(shown).collect();
    Ok(Reply::json(200, &json!({ "resources": resources })))
}

/// `GET /admin/resources/ID`.
pub(crate) async fn read(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    let catalogue = catalogue::exact(platform).await?;
    let record = catalogue.find::<ProtectedResource>(&id_of_segment(id)?).ok_or(Refusal::ResourceNotFound)?;
    Ok(Reply::json(200, &shown(record)))
}

/// `PUT /admin/resources/ID`: replaces every member but `identifier`.
pub(crate) async fn replace(platform: &Platform, request: &Incoming, id: &str) -> Result<Reply, RequestError> {
    let record = record_of(platform, request).await?;
    let id = id_of_segment(id)?;
    if record.id() != id {
        // Only a resource that exists has another identifier.
        read(platform, id.as_str()).await?;
        return Err(Refusal::Resource(ResourceError::IdentifierDiffers).into());
    }
    edited(platform, Edit::Replace(record), &id, EventKind::ResourceReplaced).await
}

/// `DELETE /admin/resources/ID`. No client obtains tokens for it any more; clients and grants lose it in the background.
pub(crate) async fn remove(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    let id = id_of_segment(id)?;
    let identifier = match catalogue::exact(platform).await?.find::<ProtectedResource>(&id) {
        Some(registered) => registered.identifier.clone(),
        None => being_removed(platform, &id).await?,
    };
    match catalogue::edit::<ProtectedResource>(platform, Edit::Remove(id.clone())).await? {
        Ok(_) => platform.audit.resource(&id).note(EventKind::ResourceRemoved),
        Err(EditError::Missing) => {}
        Err(error) => return Err(refusal(error).into()),
    }
    admin_jobs::remove_resource(platform, &identifier).await
}

/// Returns the identifier of a resource that was removed, if what follows may be incomplete: then the request is repeated.
///
/// # Errors
/// [`Refusal::ResourceNotFound`].
async fn being_removed(platform: &Platform, id: &ResourceId) -> Result<Resource, RequestError> {
    let catalogue = catalogue::current(platform).await?;
    let removed = catalogue.find::<RemovedResource>(id).ok_or(Refusal::ResourceNotFound)?;
    Ok(removed.identifier.clone())
}

/// Changes a resource, and returns its record.
async fn edited(
    platform: &Platform,
    edit: Edit<ProtectedResource>,
    id: &ResourceId,
    event: EventKind,
) -> Result<Reply, RequestError> {
    let catalogue = catalogue::edit(platform, edit).await?.map_err(refusal)?;
    platform.audit.resource(id).note(event);
    let record = catalogue.find::<ProtectedResource>(id).ok_or(Refusal::ResourceNotFound)?;
    Ok(Reply::json(200, &shown(record)))
}

async fn record_of(platform: &Platform, request: &Incoming) -> Result<ProtectedResource, RequestError> {
    let body = request.json_object().await?;
    let is_text = |text: &str| !text.contains(disturbs_names);
    Ok(parse(platform.authority(), &body, is_text, platform.now).map_err(Refusal::Resource)?)
}

fn id_of_segment(segment: &str) -> Result<ResourceId, Refusal> {
    ResourceId::parse(segment).ok_or(Refusal::ResourceNotFound)
}

const fn refusal(error: EditError) -> Refusal {
    match error {
        EditError::Exists => Refusal::ResourceExists,
        EditError::Missing => Refusal::ResourceNotFound,
        EditError::Full => Refusal::CatalogueFull,
        EditError::Removing => Refusal::ResourceBeingRemoved,
    }
}
