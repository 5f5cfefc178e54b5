// Says two minutes before that the session will end, and lets its person stay. The server is asked, because another tab or
// a live call may have kept the session alive; asking does not count as using it.
"use strict";
(() => {
  const box = document.getElementById("session-end");
  if (!box) return;
  const words = box.querySelector("[data-words]");
  const warnAt = Number(box.dataset.warnSeconds);
  let timer = 0;
  function later(seconds) {
    clearTimeout(timer);
    timer = setTimeout(look, Math.max(seconds, 1) * 1000);
  }
  async function look() {
    let left;
    try {
      const reply = await fetch("/api/session", { headers: { "X-Careline-Glance": "1" } });
      if (reply.status === 401) {
        location.assign("/sign-in?then=" + encodeURIComponent(location.pathname));
        return;
      }
      if (!reply.ok) throw new Error("not now");
      left = (await reply.json()).seconds_left;
    } catch {
      later(30);
      return;
    }
    box.hidden = left === null || left > warnAt;
    if (box.hidden) {
      later(left === null ? 60 : Math.min(left - warnAt, 60));
    } else {
      const minutes = Math.ceil(left / 60);
      words.textContent = "You will be signed out in " + (minutes > 1 ? minutes + " minutes" : "a minute") + ". What is typed and not saved would be lost.";
      later(Math.min(left, 15));
    }
  }
  box.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await fetch(event.target.action, { method: "POST", redirect: "manual", body: new URLSearchParams(new FormData(event.target)) });
      box.hidden = true;
      later(5);
    } catch { /* the box stays, and can be pressed again */ }
  });
  later(Number(box.dataset.firstSeconds));
})();
