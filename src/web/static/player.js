// Hearing a recording beside its transcript: a time leads to where it is heard, the picture of loudness can be clicked, and a
// line shows where the player is. Without this script the times are links that open the recording there.
(() => {
  "use strict";
  const box = document.querySelector("[data-player]");
  if (!box) return;
  const audio = box.querySelector("audio");
  const wave = box.querySelector("svg.wave");
  const line = box.querySelector("[data-now]");

  function seek(seconds) {
    const go = () => { audio.currentTime = seconds; };
    if (audio.readyState >= 1) go();
    else audio.addEventListener("loadedmetadata", go, { once: true });
    audio.play().catch(() => { /* a browser that wants another click says so in its own player */ });
  }

  document.addEventListener("click", (event) => {
    const place = event.target.closest("[data-seek]");
    if (!place || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    seek(Number(place.dataset.seek));
  });

  wave.addEventListener("click", (event) => {
    const area = wave.getBoundingClientRect();
    const part = (event.clientX - area.left) / area.width;
    if (Number.isFinite(audio.duration)) return seek(part * audio.duration);
    audio.addEventListener("loadedmetadata", () => seek(part * audio.duration), { once: true });
    audio.load();
    audio.play().catch(() => {});
  });

  audio.addEventListener("timeupdate", () => {
    if (!Number.isFinite(audio.duration) || audio.duration === 0) return;
    const x = String((audio.currentTime / audio.duration) * wave.viewBox.baseVal.width);
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    let heard = null;
    document.querySelectorAll("#transcript [data-seek]").forEach((place) => {
      place.removeAttribute("aria-current");
      if (Number(place.dataset.seek) <= audio.currentTime + 0.05) heard = place;
    });
    if (heard) heard.setAttribute("aria-current", "true");
  });

  audio.addEventListener("error", () => {
    if (box.querySelector("[data-broken]")) return;
    const words = document.createElement("p");
    words.dataset.broken = "";
    words.className = "notice red";
    words.setAttribute("role", "alert");
    words.textContent = "The recording cannot be played from here on: a part of it was altered or is missing, or Careline does not answer. Reload the page; if it stays so, tell your admin.";
    box.append(words);
  });
})();
