//! The Worker: the only room that waits. It loads what a decision needs, asks `oauth` to decide, and commits.

mod audit;
mod background;
mod body;
mod browser;
mod clock;
mod compare_and_swap;
mod crypto;
mod endpoints;
mod env;
mod event_delivery;
mod fetch;
mod http;
mod jobs;
mod kv;
mod objects;
mod random;
mod report;
mod ring;
mod rotate_cron;
mod router;
mod services;
mod status;

use worker::{Context, Env, ScheduleContext, ScheduledEvent, event, web_sys};

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, _context: Context) -> worker::Result<web_sys::Response> {
    let request = http::Incoming::new(request);
    let reply = router::answer(&request, env.clone()).await;
    event_delivery::deliver(&env);
    http::response(&reply, request.method == "HEAD")
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    rotate_cron::run(env.clone()).await;
    event_delivery::deliver(&env);
}
