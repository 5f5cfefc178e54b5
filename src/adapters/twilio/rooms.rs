//! Conferences and their participants (Twilio, Conference and Conference Participant resources). Everything sent is how
//! things are to be, so a reply that was lost may be asked for again by sending the same once more.

use super::{
    Twilio,
    client::{Client, MOST_PAGES, outage},
    wire::{self, Fields},
};
use crate::ports::{
    Outage, OutageKind,
    conferences::{Coaching, Conferences, Placed, Present, Wish},
};
use async_trait::async_trait;
use serde::Deserialize;

/// The provider's code for what is not there.
const NOT_THERE: &str = "20404";

#[async_trait]
impl Conferences for Twilio {
    async fn present(&self, name: &str) -> Result<Vec<Present>, Outage> {
        let Some(sid) = self.client.open_conference(name).await? else { return Ok(Vec::new()) };
        self.client.participants(&sid).await
    }

    async fn seat(&self, name: &str, leg: &Placed, wish: &Wish) -> Result<(), Outage> {
        let mut fields: Fields = vec![
            ("Hold", wish.held.to_string()),
            ("Muted", wish.muted.to_string()),
            ("EndConferenceOnExit", wish.ends_on_exit.to_string()),
        ];
        if wish.held {
            fields.push(("HoldUrl", self.origin.hook(leg.org, leg.attempt, "hold")));
            fields.push(("HoldMethod", "POST".to_owned()));
        }
        match &wish.coaching {
            Coaching::Never => {}
            Coaching::Nobody => fields.push(("Coaching", "false".to_owned())),
            Coaching::Of(sid) => {
                fields.push(("Coaching", "true".to_owned()));
                fields.push(("CallSidToCoach", sid.0.clone()));
            }
        }
        self.client.change_participant(name, leg, &fields).await
    }

    async fn announce(&self, name: &str, leg: &Placed) -> Result<(), Outage> {
        let url = self.origin.hook(leg.org, leg.attempt, "announce");
        let fields = vec![("AnnounceUrl", url), ("AnnounceMethod", "POST".to_owned())];
        self.client.change_participant(name, leg, &fields).await
    }
}

impl Client {
    /// The sid of the conference of a name that is not over.
    async fn open_conference(&self, name: &str) -> Result<Option<String>, Outage> {
        let query = [("FriendlyName", name), ("PageSize", "20")];
        let page: ConferencePage = self.send(self.http.get(self.at("/Conferences.json")).query(&query)).await?;
        let open = page.conferences.into_iter().find(|one| one.friendly_name == name && one.status != "completed");
        match open {
            None => Ok(None),
            Some(one) => conference_sid(&one.sid).map(Some).ok_or_else(|| outage(OutageKind::Garbled)),
        }
    }

    async fn participants(&self, conference: &str) -> Result<Vec<Present>, Outage> {
        let path = self.at(&format!("/Conferences/{conference}/Participants.json"));
        let mut request = self.http.get(path).query(&[("PageSize", "100")]);
        let mut found = Vec::new();
        for _ in 0..MOST_PAGES {
            let page: ParticipantPage = self.send(request).await?;
            for one in page.participants {
                found.push(one.read().ok_or_else(|| outage(OutageKind::Garbled))?);
            }
            let Some(next) = page.next_page_uri else { return Ok(found) };
            request = self.http.get(self.page(&next)?);
        }
        Err(outage(OutageKind::Garbled))
    }

    async fn change_participant(&self, name: &str, leg: &Placed, fields: &Fields) -> Result<(), Outage> {
        let not_there = || outage(OutageKind::Refused(NOT_THERE.to_owned()));
        let sid = wire::call_sid(&leg.sid.0).ok_or_else(not_there)?;
        let conference = self.open_conference(name).await?.ok_or_else(not_there)?;
        let path = self.at(&format!("/Conferences/{conference}/Participants/{}.json", sid.0));
        self.send::<serde::de::IgnoredAny>(self.http.post(path).form(fields)).await.map(|_| ())
    }
}

/// A conference's sid: `CF` and 32 hexadecimal digits.
fn conference_sid(text: &str) -> Option<String> {
    let digits = text.strip_prefix("CF")?;
    (digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| text.to_owned())
}

/// One page of the list of conferences, newest first.
#[derive(Deserialize)]
struct ConferencePage {
    conferences: Vec<ConferenceResource>,
}

/// A conference, as far as we read it.
#[derive(Deserialize)]
struct ConferenceResource {
    sid: String,
    friendly_name: String,
    status: String,
}

/// One page of the list of participants.
#[derive(Deserialize)]
struct ParticipantPage {
    participants: Vec<ParticipantResource>,
    next_page_uri: Option<String>,
}

/// A participant, as far as we read it.
#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the provider's resource has one for each")]
struct ParticipantResource {
    call_sid: String,
    hold: bool,
    muted: bool,
    end_conference_on_exit: bool,
    #[serde(default)]
    coaching: bool,
    #[serde(default)]
    call_sid_to_coach: Option<String>,
}

impl ParticipantResource {
    fn read(self) -> Option<Present> {
        let coached = self.call_sid_to_coach.filter(|_| self.coaching);
        Some(Present {
            sid: wire::call_sid(&self.call_sid)?,
            held: self.hold,
            muted: self.muted,
            ends_on_exit: self.end_conference_on_exit,
            coaches: match coached {
                Some(sid) => Some(wire::call_sid(&sid)?),
                None => None,
            },
        })
    }
}
