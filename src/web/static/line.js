// A nurse's line in the browser: registers with the carrier, rings, answers, mutes, hangs up, and says in plain words what is
// true. The carrier's own script does the audio; without either, her telephone rings.
"use strict";
(() => {
  const line = document.querySelector("[data-line]");
  if (!line) return;
  const words = line.querySelector("[data-words]");
  const mark = line.querySelector("[data-mark]");
  const controls = line.querySelector("[data-controls]");
  const button = (name) => controls.querySelector(`[data-act="${name}"]`);
  const token = () => new FormData(controls).get("form_token");
  const silence = "data:audio/wav;base64,UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQIAAACAgA==";
  const names = ["disconnect", "incoming", "outgoing", "dtmfh", "dtmfs", ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((key) => "dtmf" + key)];
  let device = null;
  let call = null;
  let beat = 0;
  let tone = null;

  function say(text, state) {
    words.textContent = text;
    mark.textContent = state;
    mark.className = "mark " + ({ ready: "green", ringing: "red", "on a call": "live" }[state] || "");
    line.dataset.state = state;
  }
  function show(...wanted) {
    for (const one of controls.querySelectorAll("[data-act]")) one.hidden = !wanted.includes(one.dataset.act);
  }
  const rest = () => say("This page is ready: a call for you rings here.", "ready");

  // What a browser says about its microphone, in words that say what to do.
  function reason(error) {
    const name = error && (error.name || (error.originalError || {}).name);
    if (name === "NotAllowedError" || (error && error.code === 31401)) return "The microphone is not allowed. Allow it for this page in the browser's address bar, then get ready again.";
    if (name === "NotFoundError") return "No microphone was found. Connect one, then get ready again.";
    if (name === "NotReadableError") return "The microphone is in use by another program. Close that, then get ready again.";
    return "This page lost the telephone service" + (error && error.code ? " (code " + error.code + ")" : "") + ".";
  }

  async function tell(is) {
    const sent = await fetch("/voice/presence", { method: "POST", body: new URLSearchParams({ is, form_token: token() }), headers: { "X-Careline-Part": "1", "X-Careline-Glance": "1" }, keepalive: true });
    if (sent.redirected || !sent.ok) throw new Error("presence");
  }
  function gone(text) {
    clearInterval(beat);
    say(text + " Your telephone rings instead, if you have one.", "not ready");
    show("ready");
    tell("gone").catch(() => {});
  }

  async function pass() {
    const got = await fetch("/voice/token", { method: "POST", body: new URLSearchParams({ form_token: token() }), headers: { Accept: "application/json", "X-Careline-Part": "1" } });
    if (got.redirected) throw new Error("You are signed out. Sign in again, then come back to this page.");
    if (!got.ok) throw new Error((await got.text()).replace(/<[^>]*>/g, " ").trim() || "Careline gave no pass.");
    return (await got.json()).token;
  }

  // Two soft tones, as long as it rings: no sound is fetched from anywhere.
  function ring(on) {
    if (tone) { clearInterval(tone.timer); tone.context.close(); tone = null; }
    if (!on || !window.AudioContext) return;
    const context = new AudioContext();
    const once = () => {
      const gain = context.createGain();
      gain.gain.value = 0.08;
      gain.connect(context.destination);
      for (const pitch of [440, 480]) {
        const sound = context.createOscillator();
        sound.frequency.value = pitch;
        sound.connect(gain);
        sound.start();
        sound.stop(context.currentTime + 1.2);
      }
    };
    once();
    tone = { context, timer: setInterval(once, 3000) };
  }

  function over(text) {
    call = null;
    ring(false);
    button("mute").setAttribute("aria-pressed", "false");
    button("mute").textContent = "Mute";
    if (device && device.state === "registered") { rest(); show(); if (text) words.textContent = text + " " + words.textContent; }
  }

  function incoming(next) {
    call = next;
    ring(true);
    say("A call is waiting for you.", "ringing");
    show("answer", "pass");
    button("answer").focus();
    next.on("accept", () => { ring(false); say("You are on a call.", "on a call"); show("mute", "hang-up"); });
    next.on("cancel", () => over("The call went to somebody else."));
    next.on("reject", () => over("You passed the call on."));
    next.on("disconnect", () => over("The call has ended."));
    next.on("error", (error) => { over(""); words.textContent = reason(error); });
  }

  async function ready() {
    show();
    say("Getting ready…", "not ready");
    try {
      if (!window.Twilio || !window.Twilio.Device) throw new Error("The carrier's script did not load. Load the page again.");
      // Asked now, in peace, and not when somebody waits.
      const heard = await navigator.mediaDevices.getUserMedia({ audio: true });
      for (const track of heard.getTracks()) track.stop();
      if (device) device.destroy();
      device = new window.Twilio.Device(await pass(), {
        chunderw: line.dataset.signalling, publishEvents: false, closeProtection: true, tokenRefreshMs: 60000, logLevel: "silent",
        allowIncomingWhileBusy: false, disableAudioContextSounds: true, sounds: Object.fromEntries(names.map((name) => [name, silence])),
      });
      device.on("registered", () => {
        if (!call) { rest(); show(); }
        tell("ready").catch(() => gone("Careline could not note that this page is ready."));
        clearInterval(beat);
        beat = setInterval(() => tell("ready").catch(() => gone("Careline cannot be reached, or you are signed out.")), 20000);
      });
      device.on("unregistered", () => { if (!call) gone("This page lost the telephone service; it tries again by itself."); });
      device.on("tokenWillExpire", () => pass().then((next) => device.updateToken(next), () => gone("The pass of this page ran out.")));
      device.on("incoming", incoming);
      device.on("error", (error) => { if (!call) gone(reason(error)); });
      await device.register();
    } catch (error) {
      gone(error instanceof Error && !error.name.endsWith("NotAllowedError") && error.constructor === Error ? error.message : reason(error));
    }
  }

  controls.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-act]");
    if (!pressed) return;
    const act = pressed.dataset.act;
    if (act === "ready") ready();
    if (!call) return;
    if (act === "answer") { say("Connecting…", "on a call"); show("mute", "hang-up"); call.accept(); }
    if (act === "pass") call.reject();
    if (act === "hang-up") { const ending = call; ending.disconnect(); if (call === ending) over("The call has ended."); }
    if (act === "mute") {
      call.mute(!call.isMuted());
      pressed.setAttribute("aria-pressed", String(call.isMuted()));
      pressed.textContent = call.isMuted() ? "Unmute" : "Mute";
    }
  });
  addEventListener("pagehide", () => { tell("gone").catch(() => {}); });

  controls.hidden = false;
  say("This page is not ready yet.", "not ready");
  show("ready");
})();
