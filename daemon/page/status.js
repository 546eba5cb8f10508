"use strict";
/* What the page does by itself: it speaks its reader's language, says how long ago things were, lets
   photo and painting be compared, and reads itself again, leaving everything where the reader had it. */
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  /* A browser may forbid a file to remember anything; then nothing is kept, and nothing breaks. */
  const memory = (area) => ({
    get(key) {
      try { return JSON.parse(area().getItem(key)); } catch { return null; }
    },
    set(key, value) {
      try { area().setItem(key, JSON.stringify(value)); } catch { /* see above */ }
    },
  });
  const visit = memory(() => window.sessionStorage);
  const always = memory(() => window.localStorage);
  const HERE = `atelierd ${location.pathname}`;
  const LANGUAGE = "atelierd language";

  const STALE_PAINTING = 120, STALE = 86400, RESTING = 2500, TICK = 10000;
  const now = () => Date.now() / 1000;
  const all = (selector) => [...document.querySelectorAll(selector)];
  const byId = (id) => document.getElementById(id);

  let texts = {}, language = "en", paused = false, asked = 0;

  const text = (key) => (texts[language] || {})[key] || "";
  const fill = (key, values) => text(key).replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);

  function chosen() {
    const wanted = [always.get(LANGUAGE), ...(navigator.languages || [navigator.language])];
    const found = wanted.map((one) => String(one).toLowerCase().split("-")[0]).find((one) => Object.hasOwn(texts, one));
    return found || root.lang;
  }

  /* Texts: the values in their places are elements that stand there already, and are moved. */
  function say(element) {
    const wanted = text(element.dataset.say);
    if (!wanted) return;
    const slots = new Map([...element.children].filter((one) => one.dataset.slot).map((one) => [one.dataset.slot, one]));
    const parts = wanted.split(/\{(\w+)\}/);
    element.replaceChildren(...parts.map((part, n) => (n % 2 ? slots.get(part) || `{${part}}` : part)));
  }

  const numeral = (value) => new Intl.NumberFormat(language).format(value);
  const percent = (value) => new Intl.NumberFormat(language, { style: "percent" }).format(value);

  function lasting(seconds, about) {
    let rest = Math.round(seconds);
    if (rest < 60) return fill("span.seconds", { seconds: numeral(rest) });
    if (about || rest >= 600) rest = Math.round(rest / 60) * 60;
    const parts = { hours: Math.floor(rest / 3600), minutes: Math.floor((rest % 3600) / 60), seconds: rest % 60 };
    const key = parts.hours ? (parts.minutes ? "span.hours_minutes" : "span.hours")
      : parts.seconds ? "span.minutes_seconds" : "span.minutes";
    for (const part of Object.keys(parts)) parts[part] = numeral(parts[part]);
    return fill(key, parts);
  }

  function ago(then) {
    const past = Math.max(now() - then, 0);
    const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
    if (past < 45) return text("refresh.now");
    if (past < 3570) return relative.format(-Math.max(Math.round(past / 60), 1), "minute");
    if (past < 86400) return relative.format(-Math.round(past / 3600), "hour");
    if (past < 7 * 86400) return relative.format(-Math.round(past / 86400), "day");
    return new Intl.DateTimeFormat(language, { dateStyle: "long" }).format(new Date(then * 1000));
  }

  function tellTimes() {
    for (const one of all("[data-moment]")) {
      const then = Number(one.dataset.moment);
      one.textContent = ago(then);
      one.title = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short" }).format(new Date(then * 1000));
    }
  }

  function speak() {
    root.lang = language;
    all("[data-say]").forEach(say);
    for (const one of all("[data-number]")) one.textContent = numeral(Number(one.dataset.number));
    for (const one of all("[data-percent]")) one.textContent = percent(Number(one.dataset.percent));
    for (const one of all("[data-lasting]")) one.textContent = lasting(Number(one.dataset.lasting), "about" in one.dataset);
    for (const one of all("[data-language]")) one.setAttribute("aria-pressed", String(one.dataset.language === language));
    all(".wipe").forEach(compare);
    const bar = progress();
    document.title = (bar ? `${percent(bar.position)} · ` : "") + text("title");
    tellTimes();
    tellPause();
  }

  /* Photo and painting: the place of the slider is where one ends and the other begins. */
  function compare(wipe) {
    const range = wipe.querySelector("input");
    const share = Number(range.value) / 100;
    wipe.style.setProperty("--at", `${range.value}%`);
    wipe.dataset.at = range.value;
    range.setAttribute("aria-valuetext", fill("wipe.value", { photo: percent(share), painting: percent(1 - share) }));
    for (const one of wipe.querySelectorAll("[data-whole]")) one.setAttribute("aria-pressed", String(one.dataset.whole === range.value));
  }

  /* Without dragging: a button shows all of one of them, and both again when it is pressed once more;
     where a click on the picture opens nothing it brings the line there. */
  function letChoose(wipe) {
    const range = wipe.querySelector("input");
    const view = wipe.querySelector("div.view");
    const put = (value) => {
      range.value = value;
      compare(wipe);
    };
    range.addEventListener("input", () => compare(wipe));
    for (const one of wipe.querySelectorAll("[data-whole]")) {
      one.addEventListener("click", () => put(one.dataset.whole === range.value ? range.defaultValue : one.dataset.whole));
    }
    if (view) {
      view.addEventListener("click", (event) => {
        const { left, width } = view.getBoundingClientRect();
        put(Math.round((100 * (event.clientX - left)) / width));
      });
    }
    // Else the picture below is dragged away in the slider's place.
    wipe.addEventListener("dragstart", (event) => event.preventDefault());
  }

  /* The painting's progress is said to whoever listens, at every tenth, and not at each look. */
  const progress = () => document.querySelector("progress[data-job][value]");

  function tellNews(before) {
    const bar = progress();
    const news = bar ? `${bar.dataset.job} ${Math.floor(bar.position * 10)}` : "";
    if (bar && before && before.news !== news) {
      setTimeout(() => {
        byId("news").textContent = fill("now.said", { name: bar.dataset.name, percent: percent(bar.position) });
      }, 500);
    }
    return news;
  }

  /* Two clocks need not agree: a page that has been seen to change is young, whatever it says. */
  function tellAge(before) {
    const made = Number(document.body.dataset.made);
    const since = before && before.made === made ? before.since : now();
    const isAlive = before && (before.made !== made || before.alive);
    const limit = document.body.dataset.painting === "yes" ? STALE_PAINTING : STALE;
    const look = () => {
      const age = isAlive ? now() - since : Math.max(now() - made, now() - since);
      byId("old").hidden = !(document.body.dataset.running === "yes" && age > limit);
    };
    look();
    setInterval(look, TICK);
    return { made, since, alive: Boolean(isAlive) };
  }

  /* What the reader has set, kept from one look to the next. */
  function kept() {
    const first = all("main [id]").find((one) => one.getBoundingClientRect().bottom > 0 && one.offsetParent);
    const active = document.activeElement;
    return {
      scroll: window.scrollY,
      anchor: first && window.scrollY > 0 ? { id: first.id, top: first.getBoundingClientRect().top } : null,
      focus: active && active.id && active.matches(":focus-visible") ? active.id : "",
      sliders: Object.fromEntries(all(".wipe input").filter((one) => one.value !== one.defaultValue).map((one) => [one.id, one.value])),
      folds: Object.fromEntries(all("details").filter((one) => one.open !== usual.get(one)).map((one) => [one.id, one.open])),
      paused,
    };
  }

  const usual = new Map(); // whether a part is open where nobody has touched it

  function restore(before) {
    for (const one of all("details")) usual.set(one, one.open);
    if (!before) return;
    paused = Boolean(before.paused);
    for (const [id, value] of Object.entries(before.sliders || {})) {
      const range = byId(id);
      if (range && range.type === "range") range.value = value;
    }
    for (const [id, open] of Object.entries(before.folds || {})) {
      const details = byId(id);
      if (details && details.localName === "details") details.open = Boolean(open);
    }
  }

  function goBack(before) {
    if (!before) return;
    const anchor = before.anchor && byId(before.anchor.id);
    const at = anchor ? window.scrollY + anchor.getBoundingClientRect().top - before.anchor.top : before.scroll;
    window.scrollTo({ top: at || 0, behavior: "instant" });
    const focused = before.focus && byId(before.focus);
    if (focused) focused.focus({ preventScroll: true });
  }

  /* Reading itself again: not under the reader's hands, and not where nobody looks. */
  let touched = 0, held = false;

  const isBusy = () => held
    || Date.now() - touched < RESTING
    || !(getSelection() || { isCollapsed: true }).isCollapsed
    || (window.visualViewport && window.visualViewport.scale > 1.01);

  function renew() {
    if (paused || document.hidden || isBusy()) return;
    if (Date.now() - asked < Number(document.body.dataset.every) * 1000) return;
    asked = Date.now();
    location.reload();
  }

  function watchHands() {
    const touch = () => { touched = Date.now(); };
    for (const kind of ["keydown", "pointerdown", "pointerup", "wheel", "touchmove", "scroll", "input"]) {
      addEventListener(kind, touch, { passive: true, capture: true });
    }
    // A screen reader keeps keys to itself; where it brings the focus is seen all the same.
    addEventListener("focusin", (event) => { if (event.target.closest("main")) touch(); }, true);
    addEventListener("pointerdown", () => { held = true; }, true);
    addEventListener("pointermove", (event) => { held = held && event.buttons !== 0; }, true);
    for (const kind of ["pointerup", "pointercancel", "blur"]) addEventListener(kind, () => { held = false; }, true);
    document.addEventListener("visibilitychange", renew);
  }

  function tellPause() {
    byId("pause").firstElementChild.dataset.say = paused ? "refresh.start" : "refresh.stop";
    say(byId("pause").firstElementChild);
    byId("renews").hidden = paused;
  }

  function listen() {
    all(".wipe").forEach(letChoose);
    for (const button of all("[data-language]")) {
      button.addEventListener("click", () => {
        language = button.dataset.language;
        always.set(LANGUAGE, language);
        speak();
      });
    }
    byId("pause").addEventListener("click", () => {
      paused = !paused;
      tellPause();
    });
    watchHands();
  }

  function start() {
    try {
      texts = JSON.parse(byId("texts").textContent);
      language = chosen();
      const before = visit.get(HERE);
      restore(before);
      speak();
      listen();
      const known = { ...tellAge(before), news: tellNews(before) };
      addEventListener("pagehide", () => visit.set(HERE, { ...kept(), ...known }));
      history.scrollRestoration = "manual";
      asked = Date.now();
      setInterval(renew, 500);
      setInterval(tellTimes, TICK);
      root.classList.add("ready");
      goBack(before);
    } finally {
      root.classList.add("ready");
    }
  }

  document.addEventListener("DOMContentLoaded", start);
})();
