"use strict";
// Up to four models side by side: their facts, and what they were both scored on in one and the same series.
(() => {
  const moat = window.moat;
  const { el, svg, number, known, size, rank, words, link, page, access, mark, interval, join, split, load, error, fitting, meant, unclear, suggest, chosen } = moat.tools;
  const MOST = 4, SHOWN = 40, LETTERS = "ABCD", APART = 11;
  const CLOSE = ["same_evaluator", "same_protocol", "loose"];
  const field = document.getElementById("name"), said = document.getElementById("said"), beginnings = document.getElementById("beginnings");
  const names = split(new URLSearchParams(location.search).get("ids")).filter((name, at, all) => all.indexOf(name) === at).slice(0, MOST);

  function add() {
    const typed = field.value.trim();
    if (!typed) return;
    const name = meant(typed, names);
    if (names.length >= MOST) said.textContent = `${MOST} models are compared already: remove one first.`;
    else if (name === null) said.textContent = unclear(typed, fitting(typed, names));
    else if (names.includes(name)) said.textContent = `${name} is there already.`;
    else {
      names.push(name);
      field.value = "";
      said.textContent = `${name} was added.`;
      update();
    }
  }
  function remove(name) {
    names.splice(names.indexOf(name), 1);
    said.textContent = `${name} was removed.`;
    field.focus();
    update();
  }
  function update() {
    const address = new URL(location.href);
    if (names.length) address.searchParams.set("ids", join(names)); else address.searchParams.delete("ids");
    try { history.replaceState(null, "", address); } catch { /* the view stays right, only the address does not follow */ }
    return draw();
  }

  const columns = (models) => models.map((model, at) => el("th", { scope: "col" }, `${LETTERS[at]} `, el("a", { href: page(model.name) }, model.name)));
  const tabled = (caption, heads, rows) => el("div", { class: "scroll beside", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", { class: "hidden" }, caption), el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows)));

  function facts(models) {
    const ends = models.flatMap((model) => [model.index_value, model.index_lo, model.index_hi]).filter(known);
    const low = Math.trunc(Math.min(...ends)) - 1, high = Math.trunc(Math.max(...ends)) + 1;
    const how = (kind) => moat.words.evidence[kind] || words(kind || "");
    const lines = {
      Organisation: (model) => model.organisation,
      Access: (model) => access(model.access),
      Licence: (model) => [model.licence, model.licence_class && words(model.licence_class)].filter(Boolean).join(", "),
      Parameters: (model) => size(model.params_total, model.params_active),
      Released: (model) => (model.released_on ? [model.released_on, el("small", { class: "muted" }, ` ${how(model.released_on_source)}`)] : null),
      "Epoch's Capabilities Index": (model) => (known(model.index_value) ? [number(model.index_value), interval(model.access, model.index_value, model.index_lo, model.index_hi, low, high, 140)] : null),
      Rank: (model) => rank(model.rank_best, model.rank_worst),
      Benchmarks: (model) => number(model.benchmarks),
      "Reported by": (model) => model.reported_by,
    };
    return el("section", {}, el("h2", {}, "Facts"),
      ends.length ? el("p", { class: "note" }, `Intervals of the index hold 90% and are drawn from ${low} to ${high}.`) : null,
      tabled("Facts", [el("th", { scope: "col" }, "Fact"), ...columns(models)], Object.entries(lines).map(([head, of]) =>
        el("tr", {}, el("th", { scope: "row" }, head), models.map((model) => { const value = of(model); return el("td", {}, known(value) && value !== "" ? value : "–"); })))));
  }

  // Of several scores of a model in a series the newest one; its date may be missing.
  const newest = (one, other) => ((other.evaluated_on || other.published_on || "") > (one.evaluated_on || one.published_on || "") ? other : one);
  function shared(models) {
    const found = new Map();
    models.forEach((model, at) => {
      for (const score of model.scores) {
        if (score.left_out) continue;
        if (!found.has(score.key)) found.set(score.key, { series: score.series, of: models.map(() => null), many: models.map(() => 0) });
        const row = found.get(score.key);
        row.of[at] = row.of[at] ? newest(row.of[at], score) : score;
        row.many[at] += 1;
      }
    });
    const rows = [...found.values()].filter((row) => row.of.filter(Boolean).length > 1);
    const rated = (row) => [-row.of.filter(Boolean).length, CLOSE.indexOf(row.series.comparability)];
    return rows.sort((one, other) => rated(one)[0] - rated(other)[0] || rated(one)[1] - rated(other)[1]
      || (one.series.benchmark < other.series.benchmark ? -1 : 1));
  }

  // One line from the lowest to the highest that could be, or that is, with a mark and a letter for each model.
  function dots(row, models) {
    const there = row.of.map((score, at) => ({ score, at })).filter(({ score }) => score);
    const values = there.map(({ score }) => score.value), { unit, chance, ceiling } = row.series;
    const top = { percent: 100, fraction: 1 }[unit];
    const spread = Math.max(...values) - Math.min(...values) || 1;
    let low = top ? Math.min(0, ...values) : Math.min(...values) - spread / 4;
    let high = top ? Math.max(top, ...values) : Math.max(...values) + spread / 4;
    if (!top && known(chance) && known(ceiling)) [low, high] = [Math.min(chance, ...values), Math.max(ceiling, ...values)];
    const x = (value) => 14 + (172 * (value - low)) / (high - low || 1);
    // Letters of near marks take turns above and below the line, and step aside where two of a row would touch.
    const ends = [-Infinity, -Infinity];
    let last = -Infinity, row_of = 0;
    const letters = new Map([...there].sort((one, other) => one.score.value - other.score.value).map(({ score, at }) => {
      row_of = x(score.value) - last < APART ? 1 - row_of : 0;
      last = x(score.value);
      ends[row_of] = Math.max(last, ends[row_of] + APART);
      return [at, { x: ends[row_of], y: row_of ? 36 : 11 }];
    }));
    const words = there.map(({ score, at }) => `${models[at].name} ${number(score.value, 3)}`).join(", ");
    return svg("svg", { class: "dots", viewBox: "0 0 200 54", width: 200, height: 54, role: "img", "aria-label": `${row.series.benchmark}: ${words}` },
      svg("line", { class: "rail", x1: 14, x2: 186, y1: 20, y2: 20 }),
      svg("text", { class: "end", x: 14, y: 51 }, number(low, 2)), svg("text", { class: "end", x: 186, y: 51 }, number(high, 2)),
      there.map(({ score, at }) => svg("g", { "data-tip": `${models[at].name}: ${number(score.value, 4)} ${unit}` },
        mark(models[at].access, x(score.value), 20), svg("text", letters.get(at), LETTERS[at]))));
  }

  function scores(models) {
    const rows = shared(models), body = el("tbody");
    const title = el("h2", {}, "What they share");
    const remarks = [];
    for (let one = 0; one < models.length; one += 1)
      for (let other = one + 1; other < models.length; other += 1)
        if (!rows.some((row) => row.of[one] && row.of[other]))
          remarks.push(el("p", { class: "notice", role: "note" }, `${models[one].name} and ${models[other].name} share no series: none of their scores can stand beside each other.`));
    if (!rows.length) return el("section", {}, title, ...remarks);
    const line = (row) => el("tr", {},
      el("th", { scope: "row" }, row.series.benchmark, el("small", {}, [row.series.part, row.series.protocol].filter(Boolean).join("; ") || "protocol not stated"),
        el("small", {}, `${row.series.evaluator || "evaluator not stated"}; ${words(row.series.comparability || "not rated")}`)),
      el("td", {}, dots(row, models)),
      row.of.map((score, at) => (score
        ? el("td", { class: "number" }, link(score.source_url, number(score.value, 4), { "data-tip": [`${row.series.unit}`, error(score) === "–" ? "no standard error published" : error(score), score.effort, `source: ${score.source_name || "not stated"}`, score.fetched_on && `fetched ${score.fetched_on}`, row.many[at] > 1 && `the newest of ${row.many[at]} scores`].filter(Boolean).join("; ") }),
          el("small", { class: "muted" }, ` ${row.series.unit}`))
        : el("td", { class: "none" }, "–"))));
    let shown = SHOWN;
    const more = el("button", { type: "button" });
    const fill = () => {
      body.replaceChildren(...rows.slice(0, shown).map(line));
      more.hidden = rows.length <= shown;
      more.textContent = `Show ${Math.min(200, rows.length - shown)} more`;
    };
    more.addEventListener("click", () => { shown += 200; fill(); });
    fill();
    const all = rows.filter((row) => row.of.every(Boolean)).length;
    return el("section", {}, title,
      el("p", { class: "lead" }, `${rows.length} series with scores of ${models.length > 2 ? `two or more of them, ${all} with scores of all` : "both"}.`),
      ...remarks,
      el("p", { class: "key" }, models.map((model, at) => el("span", { class: `access ${model.access}` }, `${LETTERS[at]} ${model.name}`))),
      el("div", { class: "scroll beside", tabindex: "0", role: "region", "aria-label": "Shared scores" },
        el("table", {}, el("caption", { class: "hidden" }, "Shared scores"),
          el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Series"), el("th", { scope: "col" }, "Beside each other"), columns(models))), body)),
      more);
  }

  let turn = 0;
  async function draw() {
    const mine = (turn += 1), place = document.getElementById("comparison");
    document.getElementById("chosen").replaceChildren(...names.map((name, at) => {
      const button = el("button", { type: "button", "aria-label": `Remove ${name}` }, "×");
      button.addEventListener("click", () => remove(name));
      return el("li", {}, `${LETTERS[at]} ${name}`, button);
    }));
    suggest(field, names);
    let found;
    try { found = await Promise.all(names.map(load)); } catch (problem) {
      if (mine === turn) place.replaceChildren(el("p", { class: "notice bad", role: "note" }, `${problem.message}. Is the site complete?`));
      return undefined;
    }
    // Another choice was made while this one was loading.
    if (mine !== turn) return undefined;
    // An id or a repository stands for a model: from here on it goes by its name.
    const proper = [...new Set(names.map((name, at) => (found[at] ? found[at].name : name)))];
    if (proper.join("\n") !== names.join("\n")) {
      names.splice(0, names.length, ...proper);
      return update();
    }
    const unknown = names.filter((_, at) => !found[at]), models = found.filter(Boolean);
    const parts = unknown.map((name) => el("p", { class: "notice", role: "note" }, `No model with a score goes by “${name}”. `,
      el("a", { href: `leaderboard.html?${new URLSearchParams({ q: name, min: "0", derived: "show" })}` }, "Search the leaderboard for it")));
    if (models.length) parts.push(facts(models));
    if (models.length > 1) parts.push(scores(models));
    else if (models.length) parts.push(el("p", { class: "note" }, "Add a second model to see what they share."));
    beginnings.hidden = names.length > 0;
    return place.replaceChildren(...parts);
  }

  document.getElementById("adding").addEventListener("submit", (event) => { event.preventDefault(); add(); });
  field.addEventListener("input", (event) => {
    suggest(field, names);
    if (chosen(event)) add();
  });
  draw();
})();
