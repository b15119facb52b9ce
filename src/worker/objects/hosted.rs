//! What a Durable Object implements.

use std::rc::Rc;

use wasm_bindgen::{JsCast as _, JsValue};
use worker::worker_sys::DurableObjectState;
use worker::{Env, State};

use crate::worker::tasks::{self, Work};

/// A Durable Object. An error is thrown: the caller's request fails, and the platform repeats an alarm.
pub(crate) trait Hosted: 'static {
    /// Opens the object.
    fn open(state: DurableObjectState, env: Env) -> Self;

    /// Runs an encoded command, and returns the encoded outcome.
    async fn answer(&self, command: &str) -> worker::Result<String>;

    /// Does what the object's alarm was set for. The default is for an object that sets none.
    async fn alarm(&self) -> worker::Result<()> {
        Ok(())
    }
}

/// The same for any class of object: the tasks of its events.
pub(crate) trait Object {
    /// The result is the text of the outcome.
    fn answer(self: Rc<Self>, command: String) -> Work;

    /// The result has no meaning.
    fn alarm(self: Rc<Self>) -> Work;
}

impl<O: Hosted> Object for O {
    fn answer(self: Rc<Self>, command: String) -> Work {
        Box::pin(async move { result(Hosted::answer(&*self, &command).await.map(JsValue::from)) })
    }

    fn alarm(self: Rc<Self>) -> Work {
        Box::pin(async move { result(Hosted::alarm(&*self).await.map(|()| JsValue::TRUE)) })
    }
}

/// Returns the state of an object as the `worker` crate has it.
pub(crate) fn state(inner: &DurableObjectState) -> State {
    let inner: &JsValue = inner.as_ref();
    State::from(inner.clone().unchecked_into::<DurableObjectState>())
}

fn result(outcome: worker::Result<JsValue>) -> JsValue {
    outcome.unwrap_or_else(|error| tasks::failure(&error.to_string()))
}
