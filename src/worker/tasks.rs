//! Runs futures for JavaScript (`tasks.js`), which polls a task, awaits the promises that it parks, and resumes it with their
//! results.
//!
//! The executor of wasm-bindgen would cost two closures and a microtask for each promise. Promises that the `worker` crate awaits
//! itself still go through it: they call the task's waker.

#![allow(unreachable_pub, reason = "wasm-bindgen exports public functions only")]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use worker::worker_sys::DurableObjectState;

#[wasm_bindgen(module = "edgemint-host")]
extern "C" {
    fn park(operation: u32, promise: &Promise);

    #[wasm_bindgen(js_name = parkBlocking)]
    fn park_blocking(operation: u32, state: &DurableObjectState, task: u32);

    fn spawn(task: u32);

    fn wake(task: u32);

    /// Returns the result of a task that fails.
    pub(crate) fn failure(message: &str) -> JsValue;
}

/// A task's future. Its result goes to JavaScript, and must not be `undefined`.
pub(crate) type Work = Pin<Box<dyn Future<Output = JsValue>>>;

thread_local! {
    static TASKS: RefCell<HashMap<u32, Work>> = RefCell::default();
    static OPERATIONS: RefCell<HashMap<u32, Operation>> = RefCell::default();
    static LAST_NUMBER: Cell<u32> = const { Cell::new(0) };
    /// The task that is being polled, and whether it was woken meanwhile.
    static POLLED: Cell<(u32, bool)> = const { Cell::new((0, false)) };
}

/// A promise that JavaScript awaits for a task.
#[derive(Default)]
struct Operation {
    waker: Option<Waker>,
    outcome: Option<Result<JsValue, JsValue>>,
}

/// Starts a task. Returns its number, which [`poll`] takes.
pub(crate) fn start(work: impl Future<Output = JsValue> + 'static) -> u32 {
    let task = next_number();
    TASKS.with_borrow_mut(|tasks| tasks.insert(task, Box::pin(work)));
    task
}

/// Starts a task that no response waits for.
pub(crate) fn start_background(work: impl Future<Output = ()> + 'static) {
    spawn(start(async move {
        work.await;
        JsValue::TRUE
    }));
}

/// Awaits a promise.
pub(crate) fn settled(promise: &Promise) -> impl Future<Output = Result<JsValue, JsValue>> + use<> {
    let operation = Parked::new();
    park(operation.0, promise);
    operation
}

/// Awaits a future while the Durable Object receives no other event.
pub(crate) async fn block_concurrency<T: 'static>(
    state: &DurableObjectState,
    work: impl Future<Output = T> + 'static,
) -> Result<T, JsValue> {
    let slot = Rc::new(RefCell::new(None));
    let task = start({
        let slot = Rc::clone(&slot);
        async move {
            let value = work.await;
            slot.replace(Some(value));
            JsValue::TRUE
        }
    });
    let operation = Parked::new();
    park_blocking(operation.0, state, task);
    operation.await?;
    slot.take().ok_or(JsValue::UNDEFINED)
}

/// Polls a task. Returns its result, or `undefined` if it waits.
#[wasm_bindgen]
pub fn poll(task: u32) -> JsValue {
    let Some(mut work) = TASKS.with_borrow_mut(|tasks| tasks.remove(&task)) else {
        return JsValue::UNDEFINED;
    };
    let waker = Waker::from(Arc::new(TaskWaker(task)));
    let outer = POLLED.replace((task, false));
    let result = loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => break result,
            Poll::Pending if POLLED.replace((task, false)).1 => {}
            Poll::Pending => {
                TASKS.with_borrow_mut(|tasks| tasks.insert(task, work));
                break JsValue::UNDEFINED;
            }
        }
    };
    POLLED.set(outer);
    result
}

/// Settles an operation of a task with the result of its promise, and polls the task.
#[wasm_bindgen]
pub fn resume(task: u32, operation: u32, is_fulfilled: bool, value: JsValue) -> JsValue {
    let outcome = if is_fulfilled { Ok(value) } else { Err(value) };
    let waker = OPERATIONS.with_borrow_mut(|operations| {
        let operation = operations.get_mut(&operation)?;
        operation.outcome = Some(outcome);
        operation.waker.take()
    });
    if let Some(waker) = waker {
        // The task is polled below; its waker is not needed for that, but one of a part of the task is.
        let outer = POLLED.replace((task, false));
        waker.wake();
        POLLED.set(outer);
    }
    poll(task)
}

fn next_number() -> u32 {
    let number = LAST_NUMBER.get().wrapping_add(1);
    LAST_NUMBER.set(number);
    number
}

/// Wakes a task.
struct TaskWaker(u32);

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if POLLED.get().0 == self.0 { POLLED.set((self.0, true)) } else { wake(self.0) }
    }
}

/// The future of an operation, by its number.
struct Parked(u32);

impl Parked {
    fn new() -> Self {
        let operation = next_number();
        OPERATIONS.with_borrow_mut(|operations| operations.insert(operation, Operation::default()));
        Self(operation)
    }
}

impl Future for Parked {
    type Output = Result<JsValue, JsValue>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        OPERATIONS.with_borrow_mut(|operations| {
            let Some(operation) = operations.get_mut(&self.0) else {
                return Poll::Pending;
            };
            match operation.outcome.take() {
                Some(outcome) => Poll::Ready(outcome),
                None => {
                    operation.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        // Dropped outside of the borrow: a waker may own another operation.
        let _operation = OPERATIONS.with_borrow_mut(|operations| operations.remove(&self.0));
    }
}
