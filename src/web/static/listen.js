// Listening to a live call in the page: asks, opens the socket that carries the sound, and plays it. Nothing is kept.
(() => {
  "use strict";
  const box = document.querySelector("[data-listen]");
  if (!box) return;
  const form = box.querySelector("form[data-begin]");
  const button = form.querySelector("button");
  const sound = box.querySelector("[data-sound]");
  const says = box.querySelector("[data-standing]");
  const bar = box.querySelector("meter");
  const volume = box.querySelector("[name=volume]");
  const ears = box.querySelector("[name=ears]");
  const address = form.action;
  const words = {
    told: "The patient is being told. You hear them right after.",
    hears: "You hear the call. Nobody hears you.",
    silent: "Nothing may be heard just now: whoever is on the call is on hold or muted.",
    elsewhere: "This call is heard by another process of Careline, so its sound cannot be played here. Listen by telephone.",
    stopped: "You stopped listening.",
    closed: "The connection ended. Press the button to listen again.",
    cut_off: "Listening was ended: you may not hear this call any more, or Careline was restarted.",
    call_over: "The call is over.",
    not_announced: "The patient could not be told, so nobody listens. Try again in a moment.",
    not_here: "This call is heard by another process of Careline, so its sound cannot be played here. Listen by telephone.",
  };
  let now = null;

  const say = (text) => { if (says.textContent !== text) says.textContent = text; };
  function send(part) {
    const body = new URLSearchParams(new FormData(form));
    body.set("part", part);
    return fetch(address, { method: "POST", headers: { "X-Careline-Part": "1" }, body });
  }

  // How loud what is heard here is, measured where it leaves for the loudspeaker.
  function measure(scope) {
    const samples = new Float32Array(scope.fftSize);
    return setInterval(() => {
      scope.getFloatTimeDomainData(samples);
      const mean = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      bar.value = Math.max(-60, Math.round(10 * Math.log10(mean || 1e-6)));
    }, 200);
  }

  async function ready() {
    const context = new AudioContext({ latencyHint: "interactive" });
    await context.audioWorklet.addModule(box.dataset.ear);
    const ear = new AudioWorkletNode(context, "ear", { numberOfInputs: 0, outputChannelCount: [2] });
    const loud = new GainNode(context, { gain: Number(volume.value) / 100 });
    const scope = new AnalyserNode(context, { fftSize: 2048 });
    ear.connect(loud).connect(scope).connect(context.destination);
    ear.port.postMessage({ together: ears.value === "together" });
    await context.resume();
    return { context, ear, loud, timer: measure(scope) };
  }

  function over(text) {
    const was = now;
    now = null;
    if (was) {
      clearInterval(was.timer);
      if (was.ear) was.ear.port.postMessage("end");
      if (was.context) was.context.close();
      if (was.socket) was.socket.close();
    }
    bar.value = -60;
    sound.hidden = true;
    form.hidden = false;
    button.disabled = false;
    say(text);
  }

  async function connect(run) {
    const got = await fetch("/api/live/ticket", { method: "POST", headers: { "X-Careline-Glance": "1" } });
    const { ticket } = await got.json();
    const path = new URL(address);
    path.protocol = path.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(path, ["careline", ticket]);
    socket.binaryType = "arraybuffer";
    run.socket = socket;
    let how = "closed";
    socket.addEventListener("message", ({ data }) => {
      if (data instanceof ArrayBuffer) return run.ear.port.postMessage(data, [data]);
      const news = JSON.parse(data);
      if (news.state === "over") how = news.how;
      else say(words[news.state] || "");
    });
    socket.addEventListener("close", (event) => {
      if (event.code === 4001) return location.assign("/sign-in?then=" + encodeURIComponent(location.pathname));
      if (now === run) over(words[how] || words.closed);
    });
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    say("Asking…");
    try {
      const run = await ready();
      now = run;
      const got = await send("begin");
      if (!got.ok) {
        const text = new DOMParser().parseFromString(await got.text(), "text/html").querySelector("main p, p, body");
        return over(text ? text.textContent.trim() : "You cannot listen to this call now.");
      }
      form.hidden = true;
      sound.hidden = false;
      say(words.told);
      await connect(run);
    } catch {
      over("This browser cannot play it, or Careline does not answer. Listen by telephone.");
    }
  });

  box.querySelector("[data-stop]").addEventListener("click", async () => {
    over(words.stopped);
    try { await send("end"); } catch { /* the closed socket ends it too */ }
    button.focus();
  });
  volume.addEventListener("input", () => { if (now) now.loud.gain.value = Number(volume.value) / 100; });
  ears.addEventListener("change", () => { if (now) now.ear.port.postMessage({ together: ears.value === "together" }); });
})();
