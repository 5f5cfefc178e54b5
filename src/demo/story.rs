//! The headless nurse: Maya works Rosa's call through the pages and the live socket, and says what she sees.

use super::{
    Scene, Stage,
    nurse::{LiveSocket, Mishap, Nurse},
    page::{Form, Page},
};
use crate::domain::{disposition::Disposition, ids::CallId};
use serde_json::json;
use std::time::Duration;

/// How long a step of the call may take: a telephone rings, a person presses keys, words are spoken.
const A_STEP: Duration = Duration::from_secs(25);
/// How often a page is read again while nothing comes over the socket.
const A_LOOK: Duration = Duration::from_millis(400);

/// What Maya notes when she hears certain words: part of an utterance, and the answers it gives.
const HEARD: [(&str, &[(&str, &str)]); 8] = [
    ("six out of ten right now", &[("a.sob_now", "6"), ("a.sob_usual", "3")]),
    ("talk in whole sentences", &[("a.can_speak", "yes")]),
    ("no chest pain", &[("a.chest_pain", "no")]),
    ("lips look as always", &[("a.lips_blue", "no")]),
    ("came on slowly", &[("a.sudden_onset", "no")]),
    ("not confused, and nothing is swollen", &[("a.new_confusion", "no"), ("a.face_arm_swelling", "no")]),
    ("clear sputum", &[("a.sputum", "clear")]),
    ("fan by the window", &[("a.relief_tried", "fan"), ("a.relief_tried", "position")]),
];
/// Quotations shown of one answer; the page has them all.
const MOST_QUOTES: usize = 2;
/// Items of the summary that are read out; the page has them all.
const MOST_ITEMS: usize = 4;
/// How long the draft of what was said is waited for.
const TO_DRAFT: Duration = Duration::from_secs(3);
/// What the call ends with.
const LAST_WORDS: &str = "let us agree what happens next";
/// What Maya hears for herself while Rosa speaks: somebody who answers clearly needs no ambulance.
const JUDGED: [(&str, &str); 11] = [
    ("a.u_unresponsive", "no"),
    ("a.u_choking", "no"),
    ("a.u_fighting_for_breath", "no"),
    ("a.u_major_bleeding", "no"),
    ("a.u_stroke_signs", "no"),
    ("a.u_seizure", "no"),
    ("a.u_suicidal", "no"),
    ("a.u_emergency", "no"),
    ("f.comfort_only_plan", "no"),
    ("f.actively_dying", "no"),
    ("f.home_oxygen", "no"),
];

/// Maya at work on one call.
struct Maya<'s> {
    scene: &'s Scene,
    nurse: Nurse,
    /// The call's page, `/calls/{id}`.
    call: String,
    live: LiveSocket,
}

/// Tells the whole story; each step that fails ends it with its own words.
pub(super) async fn tell(stage: &Stage, scene: &Scene, call: CallId) -> Result<(), Mishap> {
    let mut maya = arrive(scene, call).await?;
    maya.watch_the_line().await?;
    scene.narrator.tell(format!("Time to bridge: {:.1} s since the start.", scene.narrator.elapsed().as_secs_f64()));
    maya.listen_and_note().await?;
    maya.read_decision().await?;
    maya.ask().await?;
    maya.sign().await?;
    maya.settle_summary().await?;
    let patient = maya.find_follow_up().await?;
    elsewhere(scene, &patient, &maya.call).await?;
    if let Some(peak) = stage.ward.as_ref().and_then(super::children::Running::peak_memory) {
        scene.narrator.tell(format!("Peak memory of the ward's process: {} MiB.", peak / (1024 * 1024)));
    }
    Ok(())
}

async fn arrive(scene: &Scene, call: CallId) -> Result<Maya<'_>, Mishap> {
    let nurse = sign_in(scene, "riverside", "maya@riverside.example").await?;
    let today = nurse.open("/today").await?;
    scene.narrator.tell("Nurse Maya signs in and sees today's work.");
    let call = on_the_list(&today, call)?;
    scene.narrator.tell("Rosa Delgado's call falls due; Maya opens it and reads the brief.");
    let page = nurse.open(&call).await?;
    for fact in page.texts_of_class("facts").iter().take(1) {
        scene.narrator.quote(fact);
    }
    let live = nurse.listen(&format!("{call}/live")).await?;
    Ok(Maya { scene, nurse, call, live })
}

async fn sign_in(scene: &Scene, organization: &str, email: &str) -> Result<Nurse, Mishap> {
    let nurse = Nurse::at(&scene.origin)?;
    let password = scene.keys.passwords.get(email).map_or("", String::as_str);
    nurse.sign_in(organization, email, password).await?;
    Ok(nurse)
}

/// Rosa's call on the worklist: the link that says so.
fn on_the_list(today: &Page, call: CallId) -> Result<String, Mishap> {
    let path = format!("/calls/{call}");
    let links = today.links();
    let there = links.iter().any(|(href, words)| *href == path && words.contains("Rosa Delgado"));
    if there { Ok(path) } else { Err(Mishap::of("Rosa's call is not on today's list")) }
}

impl Maya<'_> {
    fn tell(&self, sentence: &str) {
        self.scene.narrator.tell(sentence);
    }

    /// Follows the call from the first ring to the bridge by what the page says, read again at each news.
    async fn watch_the_line(&mut self) -> Result<(), Mishap> {
        let milestones = [
            ("Ringing or proving identity", "Rosa's telephone rings in the town."),
            ("Identity proven", "Rosa picked up and proved who she is by keypad: date of birth, then her code."),
            ("May be recorded", "Rosa agrees that the call may be recorded. Maya's telephone rings."),
            ("Talking", "Maya took the call: she and Rosa talk, in a conference that the carrier holds."),
        ];
        let mut reached = milestones.iter().peekable();
        let until = tokio::time::Instant::now() + A_STEP;
        while let Some((mark, _)) = reached.peek() {
            let state = self.nurse.open(&format!("{}/parts/state", self.call)).await?.text();
            let last = milestones.last().is_some_and(|(last, _)| state.contains(last));
            while let Some((_, sentence)) = reached.next_if(|(mark, _)| last || state.contains(mark)) {
                self.tell(sentence);
            }
            if last {
                return Ok(());
            }
            if tokio::time::Instant::now() > until {
                return Err(Mishap::of(format!("waited for \"{mark}\", but the call says: {state}")));
            }
            // News wakes us; without news the page is read again in a moment, as a person would.
            let _news = self.live.next(A_LOOK).await;
        }
        Ok(())
    }

    /// Hears the words as they are spoken and fills in the protocol from them.
    async fn listen_and_note(&mut self) -> Result<(), Mishap> {
        let mut interim = 0_usize;
        self.note(&JUDGED).await?;
        loop {
            let news = self.live.next(A_STEP).await?;
            let word = |name: &str| news.get(name).and_then(|value| value.as_str()).unwrap_or_default();
            match word("event") {
                "interim" => interim += 1,
                "utterance" => {
                    let (speaker, text) = (word("speaker"), word("text"));
                    self.scene.narrator.quote(format!("{speaker}: {text}"));
                    if text.to_lowercase().contains(LAST_WORDS) {
                        self.tell(&format!("{interim} times words appeared while they were still being spoken."));
                        return Ok(());
                    }
                    if speaker == "patient" {
                        self.note_heard(&text.to_lowercase()).await?;
                    }
                }
                _ => {}
            }
        }
    }

    async fn note_heard(&self, said: &str) -> Result<(), Mishap> {
        let heard = HEARD.iter().filter(|(words, _)| said.contains(words));
        let answers: Vec<(&str, &str)> = heard.flat_map(|(_, answers)| answers.iter().copied()).collect();
        if answers.is_empty() { Ok(()) } else { self.note(&answers).await }
    }

    /// Saves answers through the form as it stands now, so that nothing noted before is lost.
    async fn note(&self, answers: &[(&str, &str)]) -> Result<(), Mishap> {
        let (page, form) = self.form().await?;
        self.nurse.send(&page, &filled(form, answers)?).await.map(|_| ())
    }

    async fn form(&self) -> Result<(Page, Form), Mishap> {
        let page = self.nurse.open(&self.call).await?;
        let form = page.form("/answers").ok_or_else(|| Mishap::of("the protocol's questions are not on the page"))?;
        Ok((page, form))
    }

    async fn read_decision(&self) -> Result<(), Mishap> {
        let decision = self.nurse.open(&format!("{}/parts/decision", self.call)).await?;
        let level = decision.texts_of_class("level").join(" ");
        if !level.contains("Clinician within 1 hour") {
            return Err(Mishap::of(format!("the protocol should ask for a clinician within 1 hour, it says: {level}")));
        }
        self.tell(&format!("From Rosa's answers: {level}"));
        let fired = decision.html.split("<details").next().unwrap_or_default().to_owned();
        for reason in (Page { html: fired, ..decision }).items().iter().filter_map(|item| up_to_level(item)) {
            self.scene.narrator.quote(reason);
        }
        Ok(())
    }

    /// Asks with a model, with a model in trouble, and what the protocol does not say.
    async fn ask(&self) -> Result<(), Mishap> {
        const FAN: &str = "Does cool moving air from a small fan ease the feeling of breathlessness?";
        let answer = self.question(FAN).await?;
        self.tell(&format!("Maya asks: \"{FAN}\" The model writes, every sentence is tied to a quotation:"));
        self.show(&answer, "quote")?;
        self.scene.town.post("/town/model", &json!({ "mode": "error500" })).await?;
        let answer = self.question("What positions ease breathing?").await?;
        self.tell("The model server fails; asked about positions, Maya still gets the protocol's own words:");
        self.show(&answer, "quote")?;
        self.scene.town.post("/town/model", &json!({ "mode": "well_behaved" })).await?;
        let answer = self.question("How much does a parking permit cost?").await?;
        self.tell("Asked something the protocol does not answer, it refuses and says whom to ask:");
        self.show(&answer, "refusal")
    }

    /// The newest answer on the page after asking.
    async fn question(&self, question: &str) -> Result<Page, Mishap> {
        let page = self.nurse.open(&self.call).await?;
        let form = page.form("/ask").ok_or_else(|| Mishap::of("there is no box to ask in"))?;
        let page = self.nurse.send(&page, &form.with("question", question)).await?;
        let articles = page.articles();
        let newest = articles.into_iter().find(|article| article.html.contains(question));
        newest.ok_or_else(|| Mishap::of(format!("no answer to \"{question}\" is on the page")))
    }

    fn show(&self, answer: &Page, class: &str) -> Result<(), Mishap> {
        let parts = answer.texts_of_class(class);
        if parts.is_empty() {
            return Err(Mishap::of(format!("expected a {class}, got: {}", answer.text())));
        }
        for part in parts.iter().take(MOST_QUOTES) {
            self.scene.narrator.quote(part);
        }
        Ok(())
    }

    async fn sign(&self) -> Result<(), Mishap> {
        let page = self.nurse.open(&self.call).await?;
        if let Some(form) = page.form("/hang-up") {
            self.nurse.send(&page, &form).await?;
        }
        let (page, form) = self.form().await?;
        let plan = "Sit up with the fan; the on-call nurse practitioner calls back within the hour.";
        let mut form = form.with("agreed_plan", plan);
        form.action = form.action.replace("/answers", "/sign");
        let signed = self.nurse.send(&page, &form).await?;
        let text = signed.text();
        if !text.contains("Signed by Maya Okafor") {
            return Err(Mishap::of(format!("it is not signed: {}", signed.texts_of_class("fault").join("; "))));
        }
        self.tell("They hang up; Maya signs the assessment. It is final.");
        Ok(())
    }

    /// Goes through the draft of what was said and signs it.
    async fn settle_summary(&mut self) -> Result<(), Mishap> {
        let Some(page) = self.drafted().await? else {
            self.tell("What was said is still being drafted; it waits on the call's page, and nothing waits for it.");
            return Ok(());
        };
        self.tell("From what was said Careline has drafted a summary, each item with its words:");
        for item in page.texts_of_class("item").iter().take(MOST_ITEMS) {
            self.scene.narrator.quote(item.split(" Accept ").next().unwrap_or(item));
        }
        let is_open = |form: &Form| form.action.contains("/summary/items/") && form.offers("decided", "accepted");
        for form in page.forms().into_iter().filter(is_open) {
            self.nurse.send(&page, &form.with("decided", "accepted")).await?;
        }
        let page = self.nurse.open(&self.call).await?;
        let form = page.form("/summary/sign").ok_or_else(|| Mishap::of("the summary cannot be signed"))?;
        let signed = self.nurse.send(&page, &form).await?;
        if !signed.texts_of_class("summary").join(" ").contains("Signed by Maya Okafor") {
            return Err(Mishap::of(format!(
                "the summary is not signed: {}",
                signed.texts_of_class("fault").join("; ")
            )));
        }
        self.tell("Maya accepts each and signs; only now is it in the record.");
        Ok(())
    }

    /// The page with the draft, once it is there.
    async fn drafted(&mut self) -> Result<Option<Page>, Mishap> {
        let until = tokio::time::Instant::now() + TO_DRAFT;
        loop {
            let page = self.nurse.open(&self.call).await?;
            if page.text().contains("Draft, not in the record") {
                return Ok(Some(page));
            }
            if tokio::time::Instant::now() > until {
                return Ok(None);
            }
            let _news = self.live.next(A_LOOK).await;
        }
    }

    /// The follow-up with owner and clock; returns Rosa's page.
    async fn find_follow_up(&self) -> Result<String, Mishap> {
        let page = self.nurse.open("/follow-ups").await?;
        let rows: Vec<String> = page.items().into_iter().filter(|row| row.contains("Rosa Delgado")).collect();
        if rows.is_empty() {
            return Err(Mishap::of("no follow-up for Rosa was opened"));
        }
        self.tell("The signature opened follow-up work, each with an owner and a clock:");
        for row in &rows {
            self.scene.narrator.quote(row.split("Say what was done").next().unwrap_or(row));
        }
        let links = page.links().into_iter();
        links
            .filter(|(href, words)| href.starts_with("/patients/") && words.contains("Rosa Delgado"))
            .map(|(href, _)| href)
            .next()
            .ok_or_else(|| Mishap::of("the follow-up does not lead to Rosa"))
    }
}

/// A reason of the decision, up to the level it asks for.
fn up_to_level(item: &str) -> Option<&str> {
    let (_, after) = item.split_once(" → ")?;
    let level = Disposition::ALL.iter().map(|level| level.words()).find(|words| after.starts_with(words))?;
    item.get(..item.len() - after.len() + level.len())
}

/// The form with these answers; several of one name are several ticks. A choice that is not offered is a mishap.
fn filled(form: Form, answers: &[(&str, &str)]) -> Result<Form, Mishap> {
    let mut form = form;
    for (name, _) in answers {
        form.fields.retain(|(own, _)| own != name);
    }
    for (name, value) in answers {
        if !form.offers(name, value) {
            return Err(Mishap::of(format!("the form does not offer {value} for {name}")));
        }
        form.fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    Ok(form)
}

/// The other organization sees nothing of it, and the auditor everything.
async fn elsewhere(scene: &Scene, patient: &str, call: &str) -> Result<(), Mishap> {
    let priya = sign_in(scene, "lakeside", "priya@lakeside.example").await?;
    for path in [patient, call] {
        let status = priya.get(path).await?.status;
        if status != 404 {
            return Err(Mishap::of(format!("a nurse of lakeside got {status} for a page of riverside")));
        }
    }
    let list = priya.open("/today").await?.text();
    if list.contains("Delgado") {
        return Err(Mishap::of("lakeside's list names a patient of riverside"));
    }
    scene.narrator.tell("Nurse Priya of Lakeside asks for Rosa's chart and call: not found, as if there were none.");
    Ok(())
}
