// The draft of what was said, by keyboard and without leaving the page. Without this script every button is a form.
(() => {
  "use strict";
  const box = document.getElementById("part-summary");
  if (!box) return;
  const items = () => [...box.querySelectorAll("[data-item]")];
  const isOpen = (item) => !item.classList.contains("settled");

  function go(item) {
    if (!item) return;
    item.focus();
    item.scrollIntoView({ block: "nearest" });
  }

  async function send(form, button) {
    const fields = new URLSearchParams(new FormData(form));
    if (button && button.name) fields.append(button.name, button.value);
    const own = form.closest("[data-item]");
    const place = own ? items().indexOf(own) : -1;
    const buttons = [...form.querySelectorAll("button")];
    buttons.forEach((each) => { each.disabled = true; });
    try {
      const response = await fetch(form.action, { method: "POST", body: fields, headers: { "X-Careline-Part": "1" } });
      if (response.redirected || response.status === 401) return location.reload();
      if (!response.ok) throw new Error("refused");
      const fresh = document.createElement("template");
      fresh.innerHTML = await response.text();
      box.replaceChildren(fresh.content);
      const now = items();
      const next = now.slice(place).find(isOpen) || now.find(isOpen);
      if (place < 0) focusOn("#summary-title");
      else if (next) go(next);
      else focusOn("#sign-summary");
    } catch {
      buttons.forEach((each) => { each.disabled = false; });
      let words = form.querySelector("[data-broken]");
      if (!words) {
        words = document.createElement("p");
        words.dataset.broken = "";
        words.className = "fault";
        words.setAttribute("role", "alert");
        form.append(words);
      }
      words.textContent = "Careline did not take this. Nothing is lost; try again.";
    }
  }

  function focusOn(selector) {
    const element = box.querySelector(selector);
    if (!element) return;
    if (element.tabIndex < 0) element.tabIndex = -1;
    element.focus();
  }

  box.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-decision]");
    if (!form) return;
    event.preventDefault();
    send(form, event.submitter);
  });

  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const item = event.target.closest("[data-item]");
    if (!item) return;
    if (event.target.closest("textarea")) {
      if (event.key === "Escape") { event.target.closest("details").open = false; go(item); }
      return;
    }
    const all = items();
    const at = all.indexOf(item);
    const press = (value) => { const button = item.querySelector(`button[value=${value}]`); if (button) button.click(); };
    switch (event.key) {
      case "j": case "ArrowDown": go(all[at + 1]); break;
      case "k": case "ArrowUp": go(all[at - 1]); break;
      case "a": press("accepted"); break;
      case "d": press("dropped"); break;
      case "e": {
        const words = item.querySelector("details");
        if (words) { words.open = true; const area = words.querySelector("textarea"); area.focus(); area.select(); }
        break;
      }
      default: return;
    }
    event.preventDefault();
  });
})();
