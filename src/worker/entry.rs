//! What the Worker's entry in JavaScript (`entry.js`) calls.

#![allow(unreachable_pub, reason = "wasm-bindgen exports public functions only")]

use std::rc::Rc;

use wasm_bindgen::prelude::*;
use worker::worker_sys::DurableObjectState;
use worker::{Env, web_sys};

use super::jobs::maintenance_do::MaintenanceObject;
use super::objects::account_do::AccountObject;
use super::objects::catalogue_do::CatalogueObject;
use super::objects::device_do::DeviceObject;
use super::objects::events_do::EventsObject;
use super::objects::hosted::{Hosted, Object};
use super::objects::identifier_do::IdentifierObject;
use super::objects::keyring_do::KeyringObject;
use super::objects::registry_do::RegistryObject;
use super::objects::status_directory_do::StatusDirectoryObject;
use super::objects::status_list_do::StatusListObject;
use super::{event_delivery, http, rotate_cron, router, tasks};

/// Starts the task that answers a request. Its result is a `Response`. `head` is what [`Incoming`](http::Incoming) reads of the
/// request, `body` the body if it has been read.
#[wasm_bindgen]
pub fn serve(request: web_sys::Request, env: Env, head: &str, body: Option<Vec<u8>>) -> u32 {
    let request = http::Incoming::new(request, head, body);
    tasks::start(async move {
        let reply = router::answer(&request, env.clone()).await;
        event_delivery::deliver(&env);
        http::response(&reply, request.method == "HEAD")
    })
}

/// Starts the hourly task.
#[wasm_bindgen]
pub fn scheduled(env: Env) -> u32 {
    tasks::start(async move {
        rotate_cron::run(env.clone()).await;
        event_delivery::deliver(&env);
        JsValue::TRUE
    })
}

/// A Durable Object, for its class in JavaScript.
#[wasm_bindgen]
pub struct ObjectHandle(Rc<dyn Object>);

#[wasm_bindgen]
impl ObjectHandle {
    /// Starts the task that runs a command. Its result is the text of the answer.
    pub fn answer(&self, command: String) -> u32 {
        tasks::start(Rc::clone(&self.0).answer(command))
    }

    /// Starts the task of the object's alarm.
    pub fn alarm(&self) -> u32 {
        tasks::start(Rc::clone(&self.0).alarm())
    }
}

/// Opens the Durable Object of a class. `None` for an unknown class.
#[wasm_bindgen(js_name = openObject)]
pub fn open_object(class: &str, state: DurableObjectState, env: Env) -> Option<ObjectHandle> {
    let open: fn(DurableObjectState, Env) -> Rc<dyn Object> = match class {
        "AccountObject" => opened::<AccountObject>,
        "CatalogueObject" => opened::<CatalogueObject>,
        "DeviceObject" => opened::<DeviceObject>,
        "EventsObject" => opened::<EventsObject>,
        "IdentifierObject" => opened::<IdentifierObject>,
        "KeyringObject" => opened::<KeyringObject>,
        "MaintenanceObject" => opened::<MaintenanceObject>,
        "RegistryObject" => opened::<RegistryObject>,
        "StatusDirectoryObject" => opened::<StatusDirectoryObject>,
        "StatusListObject" => opened::<StatusListObject>,
        _ => return None,
    };
    Some(ObjectHandle(open(state, env)))
}

fn opened<O: Hosted>(state: DurableObjectState, env: Env) -> Rc<dyn Object> {
    Rc::new(O::open(state, env))
}
