// Careline in the browser: what happens on a call appears as it happens, answers save themselves, parts of a page are
// swapped for what the server rendered. Without this file every form and page still works.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const say = (element, words) => { if (element && element.textContent !== words) element.textContent = words; };
  const now = () => new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

  function leave(page) {
    location.assign(page + encodeURIComponent(location.pathname));
    throw new Error("signed out");
  }

  // Fetches a rendered part. Whoever is signed out goes to the sign-in page and comes back here.
  async function part(path, options = {}) {
    const response = await fetch(path, { ...options, headers: { "X-Careline-Part": "1", ...(options.headers || {}) } });
    if (response.redirected && new URL(response.url).pathname === "/sign-in") leave("/sign-in?then=");
    if (response.redirected && new URL(response.url).pathname === "/prove") leave("/prove?next=");
    return { ok: response.ok, status: response.status, html: await response.text() };
  }

  function swap(element, html) {
    const active = document.activeElement;
    const focused = active && element.contains(active) ? active.id || active.getAttribute("href") : null;
    const open = new Set($$("details[open][id]", element).map((details) => details.id));
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    element.replaceChildren(fresh.content);
    open.forEach((id) => { const details = document.getElementById(id); if (details) details.open = true; });
    if (focused) {
      const again = document.getElementById(focused) || $$("a[href]", element).find((link) => link.getAttribute("href") === focused);
      if (again) again.focus({ preventScroll: true });
    }
  }

  // Lists that read themselves again while somebody looks at them.
  for (const element of $$("[data-refresh]")) {
    setInterval(async () => {
      if (document.hidden) return;
      try {
        // A list that reads itself again keeps no session alive.
        const got = await part(element.dataset.refresh, { headers: { "X-Careline-Glance": "1" } });
        if (got.ok) swap(element, got.html);
      } catch { /* the next round tries again */ }
    }, Number(element.dataset.seconds || 30) * 1000);
  }

  const call = $("[data-call]");
  if (!call) return;
  const base = "/calls/" + call.dataset.call;
  const state = $("#live-state");
  const parts = ["state", "transcript", "decision", "guidance", "summary"];

  async function load(name) {
    const element = document.getElementById("part-" + name);
    if (!element) return;
    // Words that somebody is writing are not taken away from under their hands.
    if (name === "summary" && $("details[open] textarea", element)) return;
    if ($("details.fix[open]", element)) { setTimeout(() => soon(name), 3000); return; }
    try {
      const got = await part(base + "/parts/" + name);
      if (got.ok) {
        swap(element, got.html);
        if (name === "transcript") toEnd(!location.hash.startsWith("#u-"));
        if (name === "decision") flow();
      }
    } catch { /* shown by the socket's own state */ }
  }

  // Several moves in one moment are one read.
  const waiting = new Map();
  function soon(name) {
    if (waiting.has(name)) return;
    waiting.set(name, setTimeout(() => { waiting.delete(name); load(name); }, 150));
  }

  const list = () => $("#transcript");
  function toEnd(always) {
    const box = list();
    if (box && (always || box.scrollHeight - box.scrollTop - box.clientHeight < 120)) box.scrollTop = box.scrollHeight;
  }

  const names = { patient: "Patient", caregiver: "Caregiver", nurse: "Nurse" };
  function line(speaker, text, kind) {
    const item = document.createElement("li");
    item.className = speaker + " " + kind;
    const by = document.createElement("span");
    by.className = "by";
    by.textContent = names[speaker] || speaker;
    if (kind === "said") {
      const time = document.createElement("time");
      time.textContent = now();
      by.append(" ", time);
    }
    const words = document.createElement("div");
    words.textContent = text;
    item.append(by, words);
    return item;
  }
  function interim(speaker, text) {
    const box = list();
    if (!box) return;
    const old = $("li.interim." + speaker, box);
    if (old) old.remove();
    if (text) box.append(line(speaker, text, "interim"));
    toEnd(false);
  }
  function utterance(speaker, text) {
    const box = list();
    if (!box) return;
    interim(speaker, "");
    $$("li.none", box).forEach((none) => none.remove());
    box.insertBefore(line(speaker, text, "said"), $("li.interim", box));
    toEnd(false);
  }

  // A meter for each side: as loud as its loudest leg, and in words what a look away from the bar would miss.
  const sides = { theirs: new Map(), ours: new Map() };
  function level(news) {
    const side = news.speaker === "nurse" ? "ours" : "theirs";
    sides[side].set(news.leg, { dbfs: news.dbfs, at: performance.now() });
    $("#meters").hidden = false;
    meter(side);
  }
  function meter(side) {
    const fresh = [...sides[side].values()].filter((leg) => performance.now() - leg.at < 2000);
    const loudest = Math.max(-60, ...fresh.map((leg) => leg.dbfs));
    const bar = $(`[data-level="${side}"]`);
    const says = $(`[data-says="${side}"]`);
    bar.value = loudest;
    const words = fresh.length === 0 ? "no audio arrives" : loudest > -45 ? "speaks" : "silent";
    bar.setAttribute("aria-valuetext", words);
    says.classList.toggle("lost", fresh.length === 0);
    say(says, words);
  }
  if ($("#meters")) setInterval(() => {
    // Nobody talks any more, so there is nothing to be loud.
    if (!$("#floor")) $("#meters").hidden = true;
    if (!$("#meters").hidden) { meter("theirs"); meter("ours"); }
  }, 500);

  function heard(news) {
    switch (news.event) {
      case "level": level(news); break;
      case "interim": interim(news.speaker, news.text); break;
      case "utterance": utterance(news.speaker, news.text); break;
      case "call_moved": soon("state"); soon("summary"); break;
      // An own save brings its decision back itself.
      case "assessment_moved": if (!saving) soon("decision"); break;
      case "transcript_moved": soon("transcript"); break;
      case "guidance_shown": soon("guidance"); break;
      case "reload": parts.forEach(soon); break;
      default: break;
    }
  }

  let saving = false;
  let pause = 500;
  let before = false;
  function again() {
    say(state, "Not live: connecting again");
    setTimeout(connect, pause + Math.random() * 500);
    pause = Math.min(pause * 2, 10000);
  }
  async function connect() {
    const address = new URL(base + "/live", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    let ticket;
    try {
      const got = await part("/api/live/ticket", { method: "POST", headers: { "X-Careline-Glance": "1" } });
      if (got.status === 401) leave("/sign-in?then=");
      ticket = JSON.parse(got.html).ticket;
    } catch { return again(); }
    const socket = new WebSocket(address, ["careline", ticket]);
    socket.addEventListener("open", () => {
      pause = 500;
      say(state, "Live");
      // What happened while nobody listened is on the server.
      if (before) parts.forEach(soon);
      before = true;
    });
    socket.addEventListener("message", (message) => {
      try { heard(JSON.parse(message.data)); } catch { soon("transcript"); }
    });
    socket.addEventListener("close", (event) => {
      // The session is over or was ended elsewhere.
      if (event.code === 4001) location.assign("/sign-in?then=" + encodeURIComponent(location.pathname));
      else again();
    });
  }
  connect();
  toEnd(!location.hash.startsWith("#u-"));

  // Once a red flag is true the rest of the questions folds away; what was answered stays in the form.
  function flow() {
    const decision = $("#part-decision [data-flow]");
    const rest = $("#rest-of-questions");
    if (!decision || !rest) return;
    if (decision.dataset.flow === "ended" && rest.dataset.flow !== "ended") rest.open = false;
    if (decision.dataset.flow === "open" && rest.dataset.flow === "ended") rest.open = true;
    rest.dataset.flow = decision.dataset.flow;
  }

  // Answers save themselves: one request at a time, the newest state of the form last.
  const form = $("form[data-autosave]");
  if (form) {
    const saved = $("#saved");
    let timer = 0;
    let then = null;
    let again = false;
    async function save() {
      if (saving) { again = true; return; }
      saving = true;
      say(saved, "Saving…");
      try {
        const got = await part(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
        const element = $("#part-decision");
        if (got.ok && element) {
          swap(element, got.html);
          flow();
          const revision = $("[data-revision]", element);
          if (revision && form.elements.revision) form.elements.revision.value = revision.dataset.revision;
          say(saved, "Saved " + now());
        } else if (got.status === 409 || got.status === 422) {
          say(saved, "Not saved. " + got.html);
        } else {
          say(saved, "Not saved. Press Save to see why.");
        }
      } catch {
        say(saved, "Not saved: Careline does not answer. Your answers are still here.");
        timer = setTimeout(save, 5000);
      }
      saving = false;
      if (then) { const go = then; then = null; go(); } else if (again) { again = false; save(); }
    }
    const later = (delay) => { clearTimeout(timer); say(saved, "Not saved yet"); timer = setTimeout(save, delay); };
    form.addEventListener("change", () => later(150));
    form.addEventListener("input", (event) => { if (/^(text|number|textarea)/.test(event.target.type)) later(900); });
    // A save under way changes the revision that this form must name, so the form waits for it.
    form.addEventListener("submit", (event) => {
      clearTimeout(timer);
      if (!saving) return;
      event.preventDefault();
      const button = event.submitter;
      then = () => form.requestSubmit(button);
    });
  }

  // Questions are asked without leaving the page.
  document.addEventListener("submit", async (event) => {
    const ask = event.target.closest("form[data-part]");
    if (!ask) return;
    event.preventDefault();
    const element = document.getElementById("part-" + ask.dataset.part);
    const button = $("button", ask);
    const words = button.textContent;
    button.disabled = true;
    say(button, "Looking…");
    try {
      const got = await part(ask.action, { method: "POST", body: new URLSearchParams(new FormData(ask)) });
      if (got.ok) { swap(element, got.html); ask.reset(); } else { say($("#asked"), "This could not be asked. Try again."); }
    } catch { say($("#asked"), "Careline does not answer. The question is still here."); }
    button.disabled = false;
    say(button, words);
  });
})();
