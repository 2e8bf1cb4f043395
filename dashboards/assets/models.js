"use strict";
// What the pages of models share: elements without markup from data, numbers as people write them, and the files of
// scores, which are loaded one by one when a model in them is asked for.
(() => {
  const moat = (window.moat = window.moat || {});
  const SHARDS = 64;
  const NAMESPACE = "http://www.w3.org/2000/svg";

  const fill = (node, attributes, children) => {
    for (const [name, value] of Object.entries(attributes || {}))
      if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
    for (const child of children.flat()) if (child !== null && child !== undefined) node.append(child);
    return node;
  };
  const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
  const svg = (tag, attributes, ...children) => fill(document.createElementNS(NAMESPACE, tag), attributes, children);

  // A whole number of thousands has separators; others have up to so many decimals.
  const number = (value, digits = 2) => {
    if (value === null || value === undefined) return "–";
    if (Number.isInteger(value)) return Math.abs(value) >= 1000 ? value.toLocaleString("en-GB") : String(value);
    return String(Number(value.toFixed(digits)));
  };
  const billions = (parameters) => {
    const value = parameters / 1e9;
    return `${value >= 100 ? Math.round(value).toLocaleString("en-GB") : number(value, value >= 10 ? 1 : 2)}B`;
  };
  const known = (value) => value !== null && value !== undefined;
  const size = (total, active) => {
    if (!known(total)) return known(active) ? `n/d, ${billions(active)} active` : "n/d";
    return known(active) && active !== total ? `${billions(total)}, ${billions(active)} active` : billions(total);
  };
  const rank = (best, worst) => {
    if (!known(best)) return null;
    if (!known(worst)) return `${best} or lower`;
    return best === worst ? String(best) : `${best}-${worst}`;
  };
  const words = (text) => String(text).replaceAll("_", " ");

  // Only https, and nothing that plays with the reader.
  const safe = (address) =>
    typeof address === "string" && /^https:\/\/[^\s\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+$/.test(address);
  const link = (address, text, attributes) =>
    safe(address) ? el("a", { ...attributes, href: address, rel: "noopener noreferrer" }, text) : el("span", attributes, text);
  const page = (name) => `model.html?id=${encodeURIComponent(name)}`;

  const SHAPES = { open: "open", closed: "closed" };
  const access = (value) => el("span", { class: `access ${SHAPES[value] || "unknown"}` }, value || "unknown");
  const mark = (side, x, y, label) => {
    const shape = side === "closed"
      ? svg("rect", { x: x - 3, y: y - 3, width: 6, height: 6 })
      : svg("circle", { cx: x, cy: y, r: 3.5 });
    shape.setAttribute("class", `mark ${SHAPES[side] || "unknown"}`);
    if (label) shape.setAttribute("aria-label", label);
    return shape;
  };
  // An index with its interval on an axis from low to high.
  const interval = (side, value, lo, hi, low, high, width = 120) => {
    const x = (one) => 4 + ((width - 8) * (one - low)) / (high - low);
    const said = known(lo) ? `${number(value)}, 90% interval ${number(lo)} to ${number(hi)}` : `${number(value)}, no interval`;
    return svg("svg", { class: "interval", viewBox: `0 0 ${width} 16`, width, height: 16, role: "img", "aria-label": said, "data-tip": said },
      known(lo) ? svg("line", { x1: x(lo).toFixed(1), x2: x(hi).toFixed(1), y1: 8, y2: 8, class: `mark ${SHAPES[side] || "unknown"}` }) : null,
      mark(side, Number(x(value).toFixed(1)), 8));
  };

  // Lists of names in an address: commas stand between them, and those inside are escaped.
  const join = (names) => names.map((name) => name.replace(/[%,]/g, (one) => (one === "," ? "%2C" : "%25"))).join(",");
  const split = (text) => (text || "").split(",").filter(Boolean)
    .map((name) => name.replace(/%2C|%25/g, (one) => (one === "%2C" ? "," : "%")));

  // Up to so many names that hold what was typed, those that begin with it first. The page loads data/names.js.
  const MOST_NAMES = 30;
  let lower = null;
  const fitting = (typed, without = []) => {
    const wanted = typed.trim().toLowerCase(), found = [];
    lower ||= moat.names.map((name) => name.toLowerCase());
    if (wanted)
      for (const starts of [true, false])
        for (let at = 0; at < lower.length && found.length < MOST_NAMES; at += 1) {
          const where = lower[at].indexOf(wanted);
          if (where >= 0 && (where === 0) === starts && !without.includes(moat.names[at])) found.push(moat.names[at]);
        }
    return found;
  };
  // The name that is meant: the one written so, or the only one that fits; null = none, or several.
  const meant = (typed, without) => {
    const found = fitting(typed, without), same = moat.names[lower.indexOf(typed.trim().toLowerCase())];
    return same !== undefined ? same : found.length === 1 ? found[0] : null;
  };
  const unclear = (typed, found) => (found.length
    ? `“${typed}” fits ${found.length < MOST_NAMES ? found.length : `${MOST_NAMES} or more`} models: choose one.`
    : `No model with a score goes by “${typed}”.`);
  const suggest = (field, without) =>
    document.getElementById("names").replaceChildren(...fitting(field.value, without).map((name) => el("option", { value: name })));
  // A choice from the list says so by its kind of input.
  const chosen = (event) => event.inputType === "insertReplacementText" || event.inputType === undefined;

  // FNV-1a; pipeline/site/models.py spreads the models by the same number.
  const shard = (name) => {
    let value = 2166136261;
    for (const byte of new TextEncoder().encode(name)) value = Math.imul(value ^ byte, 16777619);
    return (value >>> 0) % SHARDS;
  };
  const loading = new Map();
  const script = (file) => {
    if (!loading.has(file))
      loading.set(file, new Promise((resolve, reject) => {
        const tag = el("script", { src: file });
        tag.addEventListener("load", resolve);
        tag.addEventListener("error", () => { loading.delete(file); reject(new Error(`${file} cannot be loaded`)); });
        document.head.append(tag);
      }));
    return loading.get(file);
  };
  const own = (object, key) => (object && Object.hasOwn(object, key) ? object[key] : undefined);
  // The model of this name, or of its id or repository; null = there is none. Throws where its file is missing.
  const load = async (name) => {
    for (let wanted = name, turn = 0; turn < 2; turn += 1) {
      const place = shard(wanted);
      await script(`data/scores-${String(place).padStart(2, "0")}.js`);
      const held = moat.shards[place];
      const model = own(held.models, wanted);
      if (model) return { ...model, scores: rows(held, model.scores) };
      wanted = own(held.aliases, wanted);
      if (wanted === undefined) return null;
    }
    return null;
  };
  const LISTS = ["value", "ci_lo", "ci_hi", "stderr", "n", "self_reported"];
  const rows = (held, columns) => {
    if (!columns) return [];
    return columns.series.map((place, at) => {
      const score = { id: place, series: {} };
      for (const name of Object.keys(held.series)) score.series[name] = held.series[name][place];
      for (const [name, values] of Object.entries(columns)) {
        if (name === "series" || !known(values[at])) continue;
        score[name] = LISTS.includes(name) ? values[at] : held.texts[values[at]];
      }
      // Places differ from file to file: across models a series goes by what makes it one.
      const { benchmark, name, part, protocol, evaluator, unit } = score.series;
      score.key = JSON.stringify([benchmark, name, part, protocol, evaluator, unit]);
      return score;
    });
  };
  const error = (score) => {
    if (known(score.stderr)) return `± ${number(score.stderr, 3)}`;
    return known(score.ci_lo) && known(score.ci_hi) ? `${number(score.ci_lo, 2)} to ${number(score.ci_hi, 2)}` : "–";
  };
  const table = (caption, heads, body) =>
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
      el("table", {}, el("caption", { class: "hidden" }, caption),
        el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
        el("tbody", {}, body.map((cells) => el("tr", {}, cells.map((cell) =>
          cell instanceof HTMLTableCellElement ? cell : el("td", { class: /^\d{4}-\d\d-\d\d$/.test(cell) ? "day" : null }, known(cell) && cell !== "" ? cell : "–")))))));

  // What is pointed at is told by the page; what the keyboard reaches is told here.
  document.addEventListener("focusin", (event) => {
    const at = event.target.closest && event.target.closest("[data-tip]");
    const tip = document.getElementById("tip");
    if (!tip || !at) return;
    tip.textContent = at.dataset.tip;
    tip.hidden = false;
    const box = at.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(box.left, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${box.bottom + tip.offsetHeight + 8 > innerHeight ? box.top - tip.offsetHeight - 6 : box.bottom + 6}px`;
  });
  document.addEventListener("focusout", () => { const tip = document.getElementById("tip"); if (tip) tip.hidden = true; });

  moat.tools = {
    el, svg, number, billions, known, size, rank, words, safe, link, page, access, mark, interval, join, split, shard, script, load,
    error, table, fitting, meant, unclear, suggest, chosen,
  };
})();
