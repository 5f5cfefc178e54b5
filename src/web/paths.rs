//! What answers each route. What a route permits is its row in `routes.rs`; without a row it is closed.

use super::{api, listen, live, pages};
use crate::{app::App, error::Error, web::respond::Failure};
use axum::{
    Router,
    routing::{get, post},
};
use std::sync::Arc;

/// Pages, API and live sockets, each behind its row.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/health/live", get(pages::health::live))
        .route("/health/ready", get(pages::health::ready))
        .route("/favicon.ico", get(pages::assets::favicon))
        .route("/static/{version}/{name}", get(pages::assets::show))
        .route("/sign-in", get(pages::sign_in::form).post(pages::sign_in::sign_in))
        .route("/sign-out", post(pages::sign_in::sign_out))
        .route("/forgot", get(pages::reset::form).post(pages::reset::ask))
        .route("/reset/{link}", get(pages::reset::open).post(pages::reset::choose))
        .route("/account", get(pages::account::show))
        .route("/account/password", get(pages::account::password).post(pages::account::change_password))
        .route("/account/sessions/{id}/end", post(pages::account::end_session))
        .route("/account/sessions/end-others", post(pages::account::end_others))
        .route("/account/devices/{id}/end", post(pages::account::distrust))
        .route("/account/stay", post(pages::account::stay))
        .route("/sign-in/passkey/ask", post(pages::second_step::ask_anybody))
        .route("/sign-in/passkey", post(pages::second_step::by_passkey_alone))
        .route("/sign-in/factor", get(pages::second_step::form).post(pages::second_step::by_code))
        .route("/sign-in/factor/ask", post(pages::second_step::ask))
        .route("/sign-in/factor/passkey", post(pages::second_step::by_passkey))
        .merge(factors())
        .route("/prove/ask", post(pages::prove::ask))
        .route("/prove/passkey", post(pages::prove::by_passkey))
        .route("/prove", get(pages::prove::form).post(pages::prove::prove))
        .route("/", get(pages::sign_in::home))
        .route("/today", get(pages::today::show))
        .route("/today/parts/list", get(pages::today::list))
        .route("/patients", get(pages::patients::list).post(pages::patients::search))
        .route("/patients/new", get(pages::patients::admission).post(pages::patients::admit))
        .route("/patients/{id}", get(pages::chart::show))
        .route("/patients/{id}/contacts", post(pages::chart::add_contact))
        .route("/patients/{id}/consents", post(pages::chart::record_consent))
        .route("/sign-in/sso", get(pages::sso::form).post(pages::sso::begin))
        .route("/sign-in/sso/return", get(pages::sso::come_back))
        .route("/settings/sign-on", get(pages::sign_on_settings::show).post(pages::sign_on_settings::save))
        .route("/settings/sign-on/remove", post(pages::sign_on_settings::remove))
        .route("/account/tokens", get(pages::tokens::show).post(pages::tokens::make))
        .route("/account/tokens/{id}/revoke", post(pages::tokens::revoke))
        .route("/patients/{id}/calls/new", get(pages::schedule::form).post(pages::schedule::plan))
        .route("/follow-ups", get(pages::follow_ups::show))
        .route("/follow-ups/{id}/done", post(pages::follow_ups::complete))
        .route("/calls/{id}", get(pages::call::show))
        .route("/calls/{id}/parts/{part}", get(pages::call::part))
        .route("/calls/{id}/ask", post(pages::call::ask))
        .route("/calls/{id}/answers", post(pages::call::save))
        .route("/calls/{id}/sign", post(pages::call::sign))
        .route("/calls/{id}/cancel", post(pages::call::cancel))
        .route("/calls/{id}/hang-up", post(pages::call::hang_up))
        .route("/calls/{id}/live", get(live::watch))
        .merge(live_calls())
        .merge(house())
        .merge(planning())
        .merge(of_the_record())
        .merge(sealed())
        .merge(of_contact())
        .merge(texts())
        .merge(api::routes())
        .fallback(nothing_here)
}

/// What is done while people talk, what was recorded, and what an admin keeps for both.
fn live_calls() -> Router<Arc<App>> {
    after_calls()
        .route("/calls/{id}/recording", get(pages::recording::play))
        .route("/calls/{id}/recording/hold", post(pages::recording::hold))
        .route("/calls/{id}/recording/release", post(pages::recording::release))
        .route("/calls/{id}/floor", post(pages::call::floor::seat))
        .route("/calls/{id}/guests", post(pages::call::floor::ask))
        .route("/calls/{id}/guests/{guest}/let-go", post(pages::call::floor::let_go))
        .route("/calls/{id}/guests/{guest}/hand-over", post(pages::call::floor::hand_over))
        .route("/calls/{id}/supervise", post(pages::call::floor::supervise))
        .route("/settings/live-calls", get(pages::live_calls::show))
        .route("/settings/live-calls/numbers", post(pages::live_calls::add))
        .route("/settings/live-calls/numbers/remove", post(pages::live_calls::remove))
        .route("/settings/live-calls/supervision", post(pages::live_calls::set_supervision))
        .route("/settings/live-calls/recordings", post(pages::live_calls::set_retention))
        .route("/settings/live-calls/transcripts", post(pages::live_calls::set_transcripts))
        .route("/calls/{id}/listen", get(listen::open).post(listen::act))
        .route("/calls/{id}/utterances/{utterance}/correct", post(pages::spoken::correct))
        .route("/patients/{id}/words", get(pages::spoken::ask).post(pages::spoken::search))
}

/// What is done when a call is over.
fn after_calls() -> Router<Arc<App>> {
    Router::new()
        .route("/calls/{id}/summary/items/{item}", post(pages::call::summary::decide))
        .route("/calls/{id}/summary/sign", post(pages::call::summary::sign))
}

/// Second factors: one's own, and those of colleagues.
fn factors() -> Router<Arc<App>> {
    Router::new()
        .route("/account/factors", get(pages::factors::show))
        .route("/account/factors/app", post(pages::factors::propose_app))
        .route("/account/factors/app/confirm", post(pages::factors::confirm_app))
        .route("/account/factors/app/remove", post(pages::factors::remove_app))
        .route("/account/factors/passkeys/ask", post(pages::factors::ask_passkey))
        .route("/account/factors/passkeys", post(pages::factors::add_passkey))
        .route("/account/factors/passkeys/{id}/remove", post(pages::factors::remove_passkey))
        .route("/account/factors/codes", post(pages::factors::renew_codes))
        .route("/settings/factors", get(pages::colleagues::show))
        .route("/settings/factors/policy", post(pages::colleagues::set_policy))
        .route("/settings/factors/{id}/reset", post(pages::colleagues::reset))
}

/// Reviews, urgent access, protocols, approvals and staff.
fn house() -> Router<Arc<App>> {
    Router::new()
        .route("/patients/{id}/team", post(pages::chart::hand_over))
        .route("/calls/{id}/review", post(pages::reviews::review))
        .route("/reviews", get(pages::reviews::queue))
        .route("/break-glass", get(pages::break_glass::show).post(pages::break_glass::begin))
        .route("/break-glass/{id}/end", post(pages::break_glass::end))
        .route("/break-glass/{id}/review", post(pages::break_glass::review))
        .route("/protocols", get(pages::protocols::list))
        .route("/protocols/{protocol}/{version}", get(pages::protocols::show))
        .route("/protocols/{protocol}/{version}/submit", post(pages::protocols::submit))
        .route("/protocols/{protocol}/{version}/sign", post(pages::protocols::sign))
        .route("/protocols/{protocol}/{version}/activate", post(pages::protocols::activate))
        .route("/approvals", get(pages::approvals::show).post(pages::approvals::ask_for_export))
        .route("/approvals/{id}", post(pages::approvals::answer))
        .route("/staff", get(pages::staff::show))
        .route("/staff/teams", post(pages::staff::add_team))
        .route("/staff/{id}", post(pages::staff::change))
        .route("/staff/{id}/sessions", get(pages::colleagues_sessions::show))
        .route("/staff/{id}/sessions/{session}/end", post(pages::colleagues_sessions::end))
        .route("/staff/{id}/admin-role", post(pages::staff::ask_for_admin))
}

/// Care plans, other times for calls, the planning desk.
fn planning() -> Router<Arc<App>> {
    Router::new()
        .route("/patients/{id}/plans", get(pages::plans::show).post(pages::plans::act))
        .route("/calls/{id}/move", get(pages::move_call::form).post(pages::move_call::move_it))
        .route("/calls/{id}/ring", post(pages::move_call::ring))
        .route("/planning", get(pages::planning::show).post(pages::planning::act))
        .route("/outreach", get(pages::outreach::show))
}

/// The record, and who has seen whose.
fn of_the_record() -> Router<Arc<App>> {
    Router::new()
        .route("/record", get(pages::record::show).post(pages::record::search))
        .route("/patients/{id}/access", get(pages::access::show))
        .route("/record/patient", post(pages::record::look_up))
        .route("/record/verify", post(pages::record::verify))
        .route("/record/export", post(pages::record::export))
}

/// Documents of charts, and the state of everything that is sealed.
fn sealed() -> Router<Arc<App>> {
    Router::new()
        .route("/patients/{id}/documents", post(pages::documents::keep))
        .route("/patients/{id}/documents/{document}", get(pages::documents::read))
        .route("/patients/{id}/documents/{document}/remove", post(pages::documents::remove))
        .route("/settings/secrets", get(pages::secrets::show))
        .route("/settings/credentials", get(pages::credentials::show).post(pages::credentials::set))
        .route("/settings/credentials/remove", post(pages::credentials::remove))
}

/// Who may be contacted, when, and by whose leave.
fn of_contact() -> Router<Arc<App>> {
    Router::new()
        .route("/patients/{id}/standing", get(pages::standing::show))
        .route("/patients/{id}/standing/status", post(pages::standing::change_status))
        .route("/patients/{id}/standing/opt-out", post(pages::standing::note_wish))
        .route("/patients/{id}/standing/hours", post(pages::standing::set_hours))
        .route("/patients/{id}/standing/voicemail", post(pages::standing::set_voicemail))
        .route("/settings/calling", get(pages::calling::show).post(pages::calling::set))
        .route("/line", get(pages::line::show).post(pages::line::choose))
        .route("/voice/token", post(pages::line::pass))
        .route("/voice/presence", post(pages::line::presence))
        .route("/settings/calling/first", post(pages::calling::set_first_rung))
        .route("/settings/calling/holidays", post(pages::calling::add_holiday))
        .route("/settings/calling/holidays/remove", post(pages::calling::remove_holiday))
}

/// Texts, both ways, and who rang from a number that tells nobody.
fn texts() -> Router<Arc<App>> {
    Router::new()
        .route("/patients/{id}/texts", get(pages::texts::thread).post(pages::texts::write))
        .route("/patients/{id}/texts/{text}/put", post(pages::texts::put))
        .route("/callers", get(pages::callers::show))
        .route("/callers/{id}/done", post(pages::callers::close))
        .route("/texts", get(pages::texts::unread))
        .route("/settings/texts", get(pages::texting::show).post(pages::texting::set))
        .route("/texts/count", post(pages::texts::count))
        .route("/texts/{id}/read", post(pages::texts::mark_read))
}

async fn nothing_here() -> Failure {
    Failure(Error::NotFound)
}
