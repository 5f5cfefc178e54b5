//! Live sockets: what comes through one while things happen on calls of several organizations at once.

use super::{
    founding::Organization,
    marks::{Foreign, Seen, mark},
    requests::Visit,
};
use crate::{bench::Broken, live::LiveEvent};
use futures_util::{SinkExt, StreamExt};
use rand::{RngExt, rngs::StdRng};
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

/// How long a frame that is bound to come may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens the socket of an own call or of another organization's. On every call something is said, and the own socket is
/// read until its own words have come.
///
/// # Errors
/// When the address cannot be written.
pub async fn watch(visit: &Visit, rng: &mut StdRng, own: &Organization) -> Result<(String, Seen), Broken> {
    let organizations = &visit.founded.organizations;
    let other = organizations.get(rng.random_range(0..organizations.len())).unwrap_or(own);
    let of = if rng.random_bool(0.5) { own } else { other };
    let Some(call) = of.calls.get(rng.random_range(0..of.calls.len().max(1))) else {
        return Ok(("a socket of no call".to_owned(), Seen::default()));
    };
    let cookie = own.cookies.iter().find(|(role, _)| role.word() == "nurse").map_or("", |(_, cookie)| cookie.as_str());
    let address = format!("{}/calls/{call}/live", visit.base.replacen("http", "ws", 1));
    let mut request = address.into_client_request().map_err(Broken::of)?;
    let protocols = format!("careline, {}", visit.ticket(cookie).await?);
    for (name, value) in [
        ("cookie", format!("careline={cookie}")),
        ("origin", visit.base.clone()),
        ("sec-websocket-protocol", protocols),
    ] {
        request.headers_mut().insert(name, HeaderValue::from_str(&value).map_err(Broken::of)?);
    }
    let Ok((mut socket, _)) = connect_async(request).await else {
        return Ok(("a socket that was refused".to_owned(), Seen::default()));
    };
    let mut seen = Seen::default();
    if of.number != own.number {
        seen.foreign = Some(Foreign { owner: of.number, kind: "the socket of a call" });
    }
    // The others speak first: what is relayed across organizations comes before the own words, or is waited for below.
    for speaker in organizations.iter().filter(|speaker| speaker.number != own.number).chain([own]) {
        for call in &speaker.calls {
            let text = mark(speaker.number, "spoken");
            visit.app.live.publish(speaker.org, *call, LiveEvent::Utterance { speaker: "patient", text: text.into() });
        }
    }
    while seen.foreign.is_none() && !seen.own {
        let Ok(Some(Ok(frame))) = timeout(PATIENCE, socket.next()).await else { break };
        let Message::Text(text) = frame else { continue };
        let heard = visit.founded.detector.look(text.as_str(), own.number, &[]);
        seen.own |= heard.own;
        seen.foreign = seen.foreign.or(heard.foreign);
    }
    // Whatever is relayed late has been sent by the time the socket says goodbye.
    let _closing = socket.send(Message::Close(None)).await;
    while let Ok(Some(Ok(frame))) = timeout(PATIENCE, socket.next()).await {
        if let Message::Text(text) = frame {
            let heard = visit.founded.detector.look(text.as_str(), own.number, &[]);
            seen.foreign = seen.foreign.or(heard.foreign);
        }
    }
    Ok(("a live socket".to_owned(), seen))
}
