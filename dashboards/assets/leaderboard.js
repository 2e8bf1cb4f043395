"use strict";
// The leaderboard: filters, order, pins and the address that says them all. The data are columns; only rows that are
// seen are built.
(() => {
  const data = window.moat.leaderboard;
  const { el, number, known, size, rank, words, safe, page, access, interval, join, split } = window.moat.tools;
  const count = data.model.length;
  const form = document.getElementById("filters");
  const text = (name, at) => { const place = data[name][at]; return place === null ? null : data.texts[place]; };
  const place = (word) => { const found = data.texts.indexOf(word); return found < 0 ? -1 : found; };
  const DEFAULTS = { q: "", access: "", licence: "", size: "", org: "", from: "", to: "", source: "", min: String(data.least), hide: true };
  const FIRST = { sort: "index", dir: "desc" };
  // Of these the smaller or earlier comes first when they are chosen.
  const RISING = new Set(["model", "rank", "organisation", "access", "licence", "reported"]);
  const state = { ...DEFAULTS, ...FIRST, shown: data.shown, pins: [] };

  const searched = data.model.map((name, at) => `${name}\n${text("organisation", at) || ""}`.toLowerCase());
  const releasers = new Map(data.organisation.filter((at) => at !== null).map((at) => [at, data.texts[at].toLowerCase()]));
  const columns = data.columns.map((column) => {
    const value = new Float64Array(count).fill(NaN), of = new Int32Array(count).fill(-1);
    column.at.forEach((at, row) => { value[at] = column.value[row]; of[at] = row; });
    return { ...column, value, of, published: column.value };
  });

  // Numbers to sort by; NaN = none, which is last in either direction.
  const keys = new Map();
  const numbers = (values) => Float64Array.from(values, (value) => (value === null ? NaN : value));
  const alphabetic = (values) => {
    const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
    const distinct = [...new Set(values.filter((value) => value !== null))].sort(collator.compare);
    const order = new Map(distinct.map((value, at) => [value, at]));
    return Float64Array.from(values, (value) => (value === null ? NaN : order.get(value)));
  };
  const texts = (name) => data[name].map((_, at) => text(name, at));
  const MAKE = {
    model: () => alphabetic(data.model),
    rank: () => numbers(data.rank_best.map((best, at) => (best === null ? null : best + (data.rank_worst[at] ?? 1e6) / 1e7))),
    organisation: () => alphabetic(texts("organisation")),
    access: () => alphabetic(texts("access").map((one) => (one === "unknown" ? null : one))),
    licence: () => alphabetic(texts("licence")),
    size: () => numbers(data.params_total),
    released: () => numbers(data.released_on.map((day) => (day === null ? null : Date.parse(day)))),
    index: () => numbers(data.index_value),
    benchmarks: () => numbers(data.benchmarks),
    reported: () => alphabetic(texts("reported_by")),
  };
  const sortable = (name) => Object.hasOwn(MAKE, name) || (/^b\d+$/.test(name) && Number(name.slice(1)) < columns.length);
  const key = (name) => {
    if (!keys.has(name)) keys.set(name, Object.hasOwn(MAKE, name) ? MAKE[name]() : columns[Number(name.slice(1))].value);
    return keys.get(name);
  };
  let ordered = { name: null, dir: null, places: null };
  const order = () => {
    if (ordered.name !== state.sort || ordered.dir !== state.dir) {
      const value = key(state.sort), sign = state.dir === "asc" ? 1 : -1;
      const there = [], none = [];
      for (let at = 0; at < count; at += 1) (Number.isNaN(value[at]) ? none : there).push(at);
      there.sort((one, other) => sign * (value[one] - value[other]) || one - other);
      ordered = { name: state.sort, dir: state.dir, places: there.concat(none) };
    }
    return ordered.places;
  };

  // What is pinned stays, whatever is filtered.
  function matching() {
    const needles = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const organisation = state.org.trim().toLowerCase();
    const whole = [...releasers.values()].includes(organisation);
    const organisations = new Set();
    for (const [at, name] of releasers) if (whole ? name === organisation : name.includes(organisation)) organisations.add(at);
    const wanted = { access: state.access && place(state.access), licence_class: state.licence && place(state.licence) };
    const by = { independent: ["independent", "both"], developer: ["developer", "both"], "developer-only": ["developer"], "not-stated": ["not stated"] };
    const reporters = state.source && new Set(by[state.source].map(place));
    const least = Number(state.min) || 0;
    const top = Number(state.size) * 1e9, over = data.sizes.at(-1) * 1e9;
    const pinned = new Set(state.pins);
    const fits = (at) => {
      if (data.benchmarks[at] < least || (state.hide && data.derivation[at] !== null)) return false;
      for (const name in wanted) if (wanted[name] !== "" && data[name][at] !== wanted[name]) return false;
      if (reporters && !reporters.has(data.reported_by[at])) return false;
      if (organisation && !organisations.has(data.organisation[at])) return false;
      const parameters = data.params_total[at], day = data.released_on[at];
      if (state.size === "nd" ? parameters !== null : state.size && parameters === null) return false;
      if (state.size === "over" ? parameters <= over : state.size && state.size !== "nd" && parameters > top) return false;
      if ((state.from || state.to) && (day === null || (state.from && day < state.from) || (state.to && day > state.to))) return false;
      return needles.every((needle) => searched[at].includes(needle));
    };
    const rest = order().filter((at) => !pinned.has(at) && fits(at));
    return { places: state.pins.concat(rest), beside: state.pins.filter((at) => !fits(at)).length };
  }

  function cell(column, at) {
    const row = column.of[at];
    if (row < 0) return el("td", { class: "none" }, "–");
    const value = column.published[row], error = column.error[row];
    const [setting, source, address, dated, fetched] = data.details[column.detail[row]];
    const tip = [
      `${column.benchmark}: ${number(value, 4)} (${column.unit})`,
      known(error) ? `standard error ${number(error, 4)}` : "no standard error published",
      setting, `source: ${source || "not stated"}`, dated ? `dated ${dated}` : "no date stated", fetched && `fetched ${fetched}`,
    ].filter(Boolean).join("; ");
    const shown = (column.unit === "fraction" ? value * 100 : value).toFixed(1);
    return safe(address)
      ? el("td", { class: "number" }, el("a", { class: "value", href: address, rel: "noopener noreferrer", "data-tip": tip }, shown))
      : el("td", { class: "number", "data-tip": tip }, shown);
  }

  // A row is made once; what changes is its pin, and its interval where the axis moves.
  const made = new Map();
  function row(at, low, high) {
    const one = made.get(at) || make(at), scale = `${low} ${high}`, pinned = state.pins.includes(at);
    made.set(at, one);
    one.box.checked = pinned;
    one.line.className = pinned ? "pinned" : "";
    if (one.scale !== scale && data.index_value[at] !== null)
      one.range.replaceChildren(interval(text("access", at), data.index_value[at], data.index_lo[at], data.index_hi[at], low, high));
    one.scale = scale;
    return one.line;
  }
  function make(at) {
    const name = data.model[at], how = text("released_on_source", at), day = data.released_on[at], kind = text("derivation", at);
    const licence = text("licence", at), freedom = text("licence_class", at);
    const box = el("input", { type: "checkbox", "aria-label": `Pin ${name}` }), range = el("td", { class: "range" }, "–");
    box.dataset.at = at;
    const line = el("tr", {},
      el("td", { class: "pin" }, box),
      el("th", { scope: "row", class: "model" }, el("div", { class: "name" },
        el("a", { href: page(name), "data-tip": name.length > 24 ? name : null }, name), kind ? el("small", { class: "kind" }, kind) : null)),
      el("td", {}, rank(data.rank_best[at], data.rank_worst[at]) || "–"),
      el("td", {}, text("organisation", at) || "–"),
      el("td", {}, access(text("access", at))),
      el("td", {}, licence || "–", freedom ? el("small", {}, ` ${words(freedom)}`) : null),
      el("td", { class: "number" }, size(data.params_total[at], data.params_active[at])),
      el("td", { class: "day", "data-tip": day && (data.dated[how] || how) }, day ? `${how === "hub_created" ? "~ " : ""}${day}` : "–"),
      el("td", { class: "number strong" }, data.index_value[at] === null ? "–" : data.index_value[at].toFixed(1)),
      range,
      el("td", { class: "number" }, String(data.benchmarks[at])),
      el("td", {}, text("reported_by", at) || "–"),
      columns.map((column) => cell(column, at)));
    return { line, box, range, scale: null };
  }
  // Rows that stay where they are need no new layout.
  function show(lines) {
    const body = document.getElementById("rows");
    lines.forEach((line, at) => { if (body.children[at] !== line) body.insertBefore(line, body.children[at] || null); });
    while (body.children.length > lines.length) body.lastElementChild.remove();
    if (made.size > 4000) made.clear();
  }

  function draw() {
    const { places, beside } = matching();
    const shown = places.slice(0, state.pins.length + state.shown);
    let low = Infinity, high = -Infinity;
    for (const at of shown)
      for (const value of [data.index_value[at], data.index_lo[at], data.index_hi[at]])
        if (value !== null) { low = Math.min(low, value); high = Math.max(high, value); }
    [low, high] = low > high ? [0, 1] : [Math.trunc(low) - 1, Math.trunc(high) + 1];
    show(shown.map((at) => row(at, low, high)));
    document.getElementById("axis").textContent = low === 0 && high === 1 ? "" : `${low} to ${high}`;
    const rest = beside ? ` ${beside} pinned ${beside === 1 ? "one does" : "ones do"} not match, but ${beside === 1 ? "stays" : "stay"}.` : "";
    const seen = shown.length < places.length ? `; the first ${number(shown.length)} are shown` : "";
    document.getElementById("count").textContent = `${number(places.length)} of ${number(count)} models${seen}.${rest}`;
    document.getElementById("none").hidden = places.length > 0;
    document.querySelector(".board").hidden = places.length === 0;
    document.getElementById("more").hidden = shown.length === places.length;
    const compare = document.getElementById("compare");
    compare.disabled = state.pins.length < 2;
    compare.textContent = state.pins.length > 4 ? "Compare the first 4 pinned" : `Compare pinned${state.pins.length ? ` (${state.pins.length})` : ""}`;
    for (const head of document.querySelectorAll("th[data-sort]"))
      if (head.dataset.sort === state.sort) head.setAttribute("aria-sort", state.dir === "asc" ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    return places;
  }

  // The address and the form say the same as the state.
  function remember() {
    const address = new URL(location.href);
    const say = (name, value, usual) => (value === usual ? address.searchParams.delete(name) : address.searchParams.set(name, value));
    for (const name of Object.keys(DEFAULTS)) if (name !== "hide") say(name, state[name], DEFAULTS[name]);
    say("derived", state.hide ? "hide" : "show", "hide");
    say("sort", state.sort, FIRST.sort);
    say("dir", state.dir, RISING.has(state.sort) ? "asc" : "desc");
    say("n", String(state.shown), String(data.shown));
    say("pin", join(state.pins.map((at) => data.model[at])), "");
    try { history.replaceState(null, "", address); } catch { /* some browsers count how often, and refuse */ }
  }
  function recall() {
    const asked = new URLSearchParams(location.search);
    for (const name of Object.keys(DEFAULTS)) {
      if (name === "hide") continue;
      const field = form.elements[name], value = asked.get(name) ?? DEFAULTS[name];
      field.value = value;
      // What a field cannot hold, such as a date that is none, is not asked for.
      state[name] = field.value === value ? value : DEFAULTS[name];
      field.value = state[name];
    }
    state.hide = asked.get("derived") !== "show";
    form.elements.hide.checked = state.hide;
    state.sort = sortable(asked.get("sort") || "") ? asked.get("sort") : FIRST.sort;
    state.dir = ["asc", "desc"].includes(asked.get("dir")) ? asked.get("dir") : RISING.has(state.sort) ? "asc" : "desc";
    state.shown = Math.min(Math.max(Number(asked.get("n")) || 0, data.shown), count);
    const names = split(asked.get("pin"));
    const found = new Map(names.length ? data.model.map((name, at) => [name, at]) : []);
    state.pins = [...new Set(names.filter((name) => found.has(name)).map((name) => found.get(name)))];
  }
  const update = () => { remember(); return draw(); };
  const reset = () => {
    Object.assign(state, DEFAULTS, FIRST, { shown: data.shown, pins: [] });
    form.elements.q.focus();
    // The browser puts the fields back after this event.
    setTimeout(update);
  };

  function csv(places) {
    const quote = (value) => {
      if (!known(value)) return "";
      if (typeof value === "number") return String(value);
      // A spreadsheet would run what starts like a formula.
      const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
      return /[",\n\r]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
    };
    const plain = ["rank_best", "rank_worst"], later = ["params_total", "params_active", "released_on"];
    const scores = ["index_value", "index_lo", "index_hi", "benchmarks"];
    const head = [...plain, "model", "organisation", "access", "licence", "licence_class", ...later, "released_on_source", ...scores,
      "reported_by", "derivation", ...columns.map((column) => `${column.benchmark}, ${column.evaluator || "not stated"} (${column.unit})`)];
    const lines = places.map((at) => [
      ...plain.map((name) => data[name][at]), data.model[at],
      ...["organisation", "access", "licence", "licence_class"].map((name) => text(name, at)),
      ...later.map((name) => data[name][at]), text("released_on_source", at), ...scores.map((name) => data[name][at]),
      text("reported_by", at), text("derivation", at), ...columns.map((column) => (column.of[at] < 0 ? null : column.published[column.of[at]])),
    ]);
    return [head, ...lines].map((line) => line.map(quote).join(",")).join("\r\n") + "\r\n";
  }

  for (const head of document.querySelectorAll("th[data-sort]")) {
    const button = el("button", { type: "button", class: "sort" });
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const name = head.dataset.sort;
      if (state.sort === name) state.dir = state.dir === "asc" ? "desc" : "asc";
      else Object.assign(state, { sort: name, dir: RISING.has(name) ? "asc" : "desc" });
      state.shown = data.shown;
      update();
    });
  }
  form.addEventListener("input", (event) => {
    const { name, type, checked, value } = event.target;
    state[name] = type === "checkbox" ? checked : value;
    state.shown = data.shown;
    update();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", reset);
  document.getElementById("again").addEventListener("click", () => form.reset());
  document.getElementById("more").addEventListener("click", () => { state.shown += 200; update(); });
  document.getElementById("rows").addEventListener("change", (event) => {
    const at = Number(event.target.dataset.at);
    state.pins = event.target.checked ? [...state.pins, at] : state.pins.filter((one) => one !== at);
    update();
    const box = document.querySelector(`#rows input[data-at="${at}"]`);
    if (box) box.focus({ preventScroll: true });
  });
  document.getElementById("copy").addEventListener("click", async (event) => {
    const button = event.target;
    try { await navigator.clipboard.writeText(location.href); button.textContent = "Copied"; }
    catch { button.textContent = "The address bar has it"; }
    setTimeout(() => { button.textContent = "Copy link"; }, 2000);
  });
  document.getElementById("download").addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([csv(matching().places)], { type: "text/csv;charset=utf-8" }));
    el("a", { href: address, download: "leaderboard-view.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  });
  document.getElementById("compare").addEventListener("click", () => {
    location.href = `compare.html?${new URLSearchParams({ ids: join(state.pins.slice(0, 4).map((at) => data.model[at])) })}`;
  });
  addEventListener("popstate", () => { recall(); draw(); });

  recall();
  draw();
  // The one order that takes long to find is there before somebody asks for it.
  (window.requestIdleCallback || setTimeout)(() => key("model"));
})();
