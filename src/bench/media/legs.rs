//! The load of the media bench, as a process of its own: legs that speak the provider's wire from outside, signed upgrade and
//! all, each a frame every 20 ms. What it cannot send in time counts as the product's delay, and it says how late it was.

use super::monotonic_nanos;
use crate::{
    bench::Broken,
    domain::tones::{FRAME, FRAME_MS, SILENCE, frames},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt, stream};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use std::{io::Write, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, client::IntoClientRequest, protocol::WebSocketConfig},
};

/// Groups of legs: each sends at its own moment of the 20 ms.
const GROUPS: u32 = 20;
/// Sockets opened at once.
const OPENED_AT_ONCE: usize = 32;
/// Frames after which a leg says the same again: ten seconds.
const ROUND: usize = 500;
/// How long the other side may take to say goodbye.
const GOODBYE_WITHIN: Duration = Duration::from_secs(30);

/// The orders of the load, one line of JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Orders {
    /// The media socket, such as `ws://127.0.0.1:4000/hooks/media/...`.
    pub socket: String,
    /// The account.
    pub account: String,
    /// Its token.
    pub token: String,
    /// Names of legs and their tokens begin with it.
    pub round: String,
    /// How many legs.
    pub legs: u32,
    /// What they say; empty is nothing.
    pub says: String,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Sent {
    /// Frames sent.
    pub frames: u64,
    /// Legs whose socket was closed by the other side.
    pub cut: u32,
    /// How late a frame was handed to the network, in microseconds: the latest of the worst group.
    pub latest: u64,
    /// Processor time of this process since `mark`, in microseconds.
    pub cpu_micros: u64,
}

/// One leg of the carrier's.
pub struct Leg {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    chunk: u64,
}

impl Leg {
    /// Opens its socket and says which stream it is.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn open(orders: &Orders, number: u32) -> Result<Self, Broken> {
        let mut request = orders.socket.as_str().into_client_request().map_err(Broken::of)?;
        let mut mac = Hmac::<Sha1>::new_from_slice(orders.token.as_bytes()).map_err(Broken::of)?;
        mac.update(orders.socket.as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        request.headers_mut().insert("x-twilio-signature", signature.parse().map_err(Broken::of)?);
        let config = WebSocketConfig::default().read_buffer_size(1024).write_buffer_size(0);
        let (socket, _) = connect_async_with_config(request, Some(config), true).await.map_err(Broken::of)?;
        let mut leg = Self { socket, chunk: 0 };
        let Orders { account, round, .. } = orders;
        leg.tell(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#.to_owned()).await?;
        leg.tell(format!(
            r#"{{"event":"start","sequenceNumber":"1","streamSid":"MZ{round}{number}","start":{{"accountSid":"{account}","streamSid":"MZ{round}{number}","callSid":"CA{round}{number}","tracks":["inbound"],"mediaFormat":{{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}},"customParameters":{{"token":"{round}{number}"}}}}}}"#
        ))
        .await?;
        Ok(leg)
    }

    /// Sends the next 20 ms, which were due at an instant of the monotonic clock.
    ///
    /// # Errors
    /// When the socket is gone.
    pub async fn say(&mut self, payload: &str, due_nanos: u64) -> Result<(), Broken> {
        let at_ms = self.chunk * FRAME_MS;
        self.chunk += 1;
        let chunk = self.chunk;
        self.tell(format!(
            r#"{{"event":"media","sequenceNumber":"{due_nanos}","media":{{"track":"inbound","chunk":"{chunk}","timestamp":"{at_ms}","payload":"{payload}"}},"streamSid":"MZ00000000000000000000000000000000"}}"#
        ))
        .await
    }

    /// Ends it and waits until the other side has written everything.
    pub async fn stop(mut self) {
        let stop = r#"{"event":"stop","sequenceNumber":"0","stop":{}}"#;
        // Whoever has gone before takes nothing more.
        let _ = self.tell(stop.to_owned()).await;
        let goodbye = async { while let Some(Ok(_)) = self.socket.next().await {} };
        let _ = timeout(GOODBYE_WITHIN, goodbye).await;
    }

    async fn tell(&mut self, text: String) -> Result<(), Broken> {
        self.socket.send(Message::text(text)).await.map_err(Broken::of)
    }
}

/// Speaks as ordered until standard input closes or says `stop`.
///
/// # Errors
/// When the orders cannot be read or a leg is refused.
pub async fn run() -> Result<String, Broken> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let orders = lines.next_line().await.map_err(Broken::of)?.unwrap_or_default();
    let orders: Orders = serde_json::from_str(&orders).map_err(Broken::of)?;
    let opened: Vec<Result<Leg, Broken>> = stream::iter(0..orders.legs)
        .map(|number| Leg::open(&orders, number))
        .buffer_unordered(OPENED_AT_ONCE)
        .collect()
        .await;
    let mut groups: Vec<Vec<Option<Leg>>> = (0..GROUPS).map(|_| Vec::new()).collect();
    let count = groups.len();
    for (at, leg) in opened.into_iter().enumerate() {
        if let Some(group) = groups.get_mut(at % count) {
            group.push(Some(leg?));
        }
    }
    let payloads = Arc::new(payloads(&orders.says));
    let (tell, _) = watch::channel(Order::Go);
    let began = (Instant::now() + Duration::from_millis(50), monotonic_nanos() + 50_000_000);
    let apart = Duration::from_millis(FRAME_MS) / GROUPS;
    let tasks: Vec<_> = groups
        .into_iter()
        .zip(0_u32..)
        .map(|(legs, at)| {
            let later = apart * at;
            let nanos = u64::try_from(later.as_nanos()).unwrap_or(0);
            let group = Group { legs, payloads: payloads.clone(), orders: tell.subscribe(), from: at };
            tokio::spawn(group.speak((began.0 + later, began.1 + nanos)))
        })
        .collect();
    say("open")?;
    let mut cpu = super::stage::cpu_micros("self");
    while let Some(line) = lines.next_line().await.map_err(Broken::of)? {
        if line == "stop" {
            break;
        }
        cpu = super::stage::cpu_micros("self");
        tell.send_replace(Order::Mark);
    }
    let cpu_micros = super::stage::cpu_micros("self").saturating_sub(cpu);
    tell.send_replace(Order::Stop);
    let mut all = Sent { cpu_micros, ..Sent::default() };
    for task in tasks {
        let sent = task.await.map_err(Broken::of)?;
        all.frames += sent.frames;
        all.cut += sent.cut;
        all.latest = all.latest.max(sent.latest);
    }
    say(&serde_json::to_string(&all).map_err(Broken::of)?)?;
    Ok(String::new())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Go,
    /// Lateness counts from here.
    Mark,
    Stop,
}

/// Legs that send at the same moment.
struct Group {
    /// A place is empty once its leg was cut off.
    legs: Vec<Option<Leg>>,
    payloads: Arc<Vec<String>>,
    orders: watch::Receiver<Order>,
    from: u32,
}

impl Group {
    async fn speak(mut self, (began, began_nanos): (Instant, u64)) -> Sent {
        let mut sent = Sent::default();
        let step = Duration::from_millis(FRAME_MS);
        let (mut at, mut due_nanos) = (began, began_nanos);
        let mut frame = usize::try_from(self.from).unwrap_or(0).saturating_mul(25);
        loop {
            sleep_until(at).await;
            if self.orders.has_changed().unwrap_or(true) {
                match *self.orders.borrow_and_update() {
                    Order::Go => {}
                    Order::Mark => sent.latest = 0,
                    Order::Stop => break,
                }
            }
            for (number, place) in self.legs.iter_mut().enumerate() {
                let Some(leg) = place else { continue };
                let payload = self.payloads.get((frame + number * 7) % self.payloads.len().max(1));
                match leg.say(payload.map_or("", String::as_str), due_nanos).await {
                    Ok(()) => sent.frames += 1,
                    Err(_) => {
                        sent.cut += 1;
                        *place = None;
                    }
                }
            }
            let late = monotonic_nanos().saturating_sub(due_nanos) / 1_000;
            sent.latest = sent.latest.max(late);
            (at, due_nanos) = (at + step, due_nanos + FRAME_MS * 1_000_000);
            frame = frame.wrapping_add(1);
        }
        futures_util::future::join_all(self.legs.into_iter().flatten().map(Leg::stop)).await;
        sent
    }
}

/// Ten seconds of what a leg says, frame by frame.
fn payloads(says: &str) -> Vec<String> {
    let mut all = if says.is_empty() { Vec::new() } else { frames(says) };
    all.resize(ROUND.max(all.len()), vec![SILENCE; FRAME]);
    all.into_iter().map(|frame| STANDARD.encode(frame)).collect()
}

fn say(words: &str) -> Result<(), Broken> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{words}").and_then(|()| out.flush()).map_err(Broken::of)
}
