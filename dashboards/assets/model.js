"use strict";
// The page of a model: what is known of it, who says so, and every score with where it comes from.
(() => {
  const moat = window.moat;
  const { el, number, known, size, rank, words, safe, link, page, access, interval, load, script, error, table, fitting, meant, unclear, suggest, chosen } = moat.tools;
  const place = document.getElementById("model");
  const SHOWN = 200;
  const said = (kind) => moat.words.evidence[kind] || (kind ? words(kind) : "not stated");
  const named = (name) => el("a", { href: page(name) }, name);
  const right = (value) => el("td", { class: known(value) ? "number" : "none" }, known(value) ? value : "–");
  const section = (id, title, ...children) => el("section", { id }, el("h2", {}, title), ...children);
  const note = (text) => el("p", { class: "note" }, text);
  const fact = (head, label, ...small) => el("div", {}, el("span", {}, label), el("b", {}, head), ...small.filter(Boolean).map((one) => el("small", {}, one)));
  const series = (benchmark, evaluator) => [benchmark, el("small", { class: "muted" }, ` ${evaluator || "evaluator not stated"}`)];
  const months = (value) => `${number(value, 1)} ${Number(value.toFixed(1)) === 1 ? "month" : "months"}`;

  const folded = (rows, inner) => (rows.length > 12 ? el("details", {}, el("summary", {}, `Show all ${rows.length}`), inner) : inner);

  // Half the width of the axis that its index is drawn on, in points.
  const room = (model) => Math.max(8, ...[model.index_lo, model.index_hi].filter(known).map((end) => Math.abs(end - model.index_value) + 1));

  function facts(model) {
    const freedom = model.licence_class && words(model.licence_class);
    const licence = [model.licence || freedom || (model.access === "closed" ? "–" : "not stated"), model.licence ? freedom : freedom && "its name is not stated"];
    const ranked = rank(model.rank_best, model.rank_worst);
    const index = known(model.index_value)
      ? el("div", {}, el("span", {}, "Epoch's Capabilities Index"), el("b", {}, number(model.index_value)),
        interval(model.access, model.index_value, model.index_lo, model.index_hi, model.index_value - room(model), model.index_value + room(model), 180),
        el("small", {}, known(model.index_lo) ? `90% interval ${number(model.index_lo)} to ${number(model.index_hi)}` : "no interval is published"))
      : fact("–", "Epoch's Capabilities Index", "not in the index");
    return el("div", { class: "facts" },
      index,
      fact(ranked || "–", "Rank", ranked ? "of those in the index; a range, for intervals overlap" : "only models of the index have one"),
      fact(model.access, "Access", said(model.access_source)),
      fact(model.released_on || "unknown", "Released", said(model.released_on_source),
        known(model.weights_on) ? `weights public since ${model.weights_on}` : null),
      fact(size(model.params_total, model.params_active), "Parameters", known(model.params_total) ? `${number(model.params_total)} in all` : "n/d: not disclosed"),
      fact(licence[0], "Licence", licence[1]),
      fact(model.organisation || "–", "Organisation", model.country),
      fact(number(model.benchmarks), "Benchmarks", model.reported_by ? `reported by: ${model.reported_by}` : null));
  }

  function records(model) {
    const parts = [];
    const many = (list, one, word) => (list ? `${list.length} ${list.length === 1 ? one : word}` : null);
    const sum = [many(model.records, "frontier record", "frontier records"), many(model.matched, "closed record that it was first to match", "closed records that it was first to match")];
    if (model.records || model.matched) parts.push(el("p", { class: "lead" }, `${sum.filter(Boolean).join("; ")}.`));
    if (model.records)
      parts.push(el("h3", {}, "Frontier records"), note("When it came out, no model of its side that was there had a better score in the series."),
        folded(model.records, table("Frontier records", ["Series", "Side", "On", "Score", "How far the series compares"],
          model.records.map(([benchmark, evaluator, unit, side, day, score, close]) =>
            [el("td", {}, series(benchmark, evaluator)), access(side), day, right(`${number(score, 3)} ${unit}`), words(close)]))));
    const matches = (rows, caption, who) => folded(rows, table(caption, ["Series", "Closed score", "Record of", who, "Matched on", "Lag"],
      rows.map(([benchmark, evaluator, unit, score, day, other, on, lag, censored]) =>
        [el("td", {}, series(benchmark, evaluator)), right(`${number(score, 3)} ${unit}`), day, other ? named(other) : "no open model yet", on || "–",
          right(known(lag) ? (censored ? `more than ${months(lag)}` : months(lag)) : null)])));
    if (model.matched_by)
      parts.push(el("h3", {}, "Who matched its records"), matches(model.matched_by, "Its closed records and the open models that matched them", "Matched by"));
    if (model.matched)
      parts.push(el("h3", {}, "Closed records it was first to match"), matches(model.matched, "Closed records that it matched", "Closed model"));
    return parts.length ? section("records", "Records", ...parts) : section("records", "Records", note("It set no frontier record and was not the first to match one, in any series with models of both sides."));
  }

  function family(model) {
    if (!model.repositories)
      return section("family", "Family", note(model.access === "closed" ? "It has no repository on the Hub: its weights are closed." : "No repository on the Hub is known for it."));
    const kin = new Map((model.family || []).map((row) => [row[0], row]));
    return section("family", "Repositories and family",
      table("Repositories", ["Repository", "Licence", "Made on", "Downloads in 30 days", "Likes", "Parents", "Children", "Descendants", "Root"],
        model.repositories.map(([id, licence, freedom, made, downloads, likes, gone]) => {
          const [, parents, children, , descendants, inferred, root] = kin.get(id) || [];
          return [el("td", {}, el("a", { href: `lineage.html?model=${encodeURIComponent(id)}` }, id), gone ? el("small", {}, ` gone since ${gone}`) : null),
            el("td", {}, licence || "–", freedom ? el("small", { class: "muted" }, ` ${words(freedom)}`) : null), made,
            right(known(downloads) ? number(downloads) : null), right(known(likes) ? number(likes) : null), right(known(parents) ? number(parents) : null),
            right(known(children) ? number(children) : null),
            right(known(descendants) ? `${number(descendants)}${inferred ? ` (${number(inferred)} by name alone)` : ""}` : null), root];
        })),
      note(kin.size ? "The links lead to the whole family." : "Nothing is known above or below it."));
  }

  function known_by(model) {
    const parts = [];
    if (model.statements)
      parts.push(el("details", { open: model.statements.length <= 12 }, el("summary", {}, `What ${model.statements.length} statements of sources say of it`),
        table("What sources say", ["Of", "Said", "How it is known", "Name as written", "Source"],
          model.statements.map(([field, value, evidence, written, source, address]) =>
            [words(field), value, said(evidence), written, el("td", {}, link(address, source || "source"))]))));
    if (model.history && model.history.length > 1)
      parts.push(el("h3", {}, "Access over time"), table("Access over time", ["Access", "From", "Until", "How it is known"],
        model.history.map(([side, from, until, evidence]) => [access(side), from || "unknown", until || "today", said(evidence)])));
    const origin = known(model.source_name) ? el("p", { class: "note" }, "The release is listed after ", link(model.source_url, model.source_name), ".") : null;
    return section("known", "How these facts are known", origin, ...(parts.length ? parts : [note("Nobody but the source of its scores and the Hub says anything of it.")]));
  }

  function disputes(model) {
    const parts = [];
    if (model.dates)
      parts.push(el("h3", {}, "Dates"), table("Dates that differ", ["Used", "Because", "Said otherwise", "How it is known", "Source", "Days later"],
        model.dates.map(([used, why, other, evidence, source, days, address]) => [used, said(why), other, said(evidence), el("td", {}, link(address, source)), right(days)])));
    if (model.accesses)
      parts.push(el("h3", {}, "Access"), table("Access that differs", ["Used", "Because", "Said", "Source"],
        model.accesses.map(([used, why, other, source, address]) => [used, said(why), other, el("td", {}, link(address, source))])));
    if (model.licences)
      parts.push(el("h3", {}, "Licences"), table("Licences that contradict", ["Repository", "Against", "Its licence", "Class", "The other", "Licence there", "Class there"],
        model.licences.map(([id, conflict, licence, freedom, other, there, classed]) =>
          [id, conflict === "base" ? "its base model, which is stricter" : "its own tag", licence, freedom && words(freedom), other, there, classed && words(classed)])));
    if (model.conflicts)
      parts.push(el("h3", {}, "Scores"), note("Current scores of one benchmark that differ; by protocol, evaluator or effort they may all be right."),
        table("Scores that differ", ["Benchmark", "Scores", "Lowest", "Highest", "Spread", "Scale"],
          model.conflicts.map(([benchmark, many, low, high, spread, scale]) =>
            [benchmark, right(number(many)), right(number(low, 4)), right(number(high, 4)), right(number(spread, 4)), words(scale)])));
    return parts.length ? section("disputes", "What is disputed", ...parts) : null;
  }

  const HEADS = ["Benchmark", "Value", "Setting", "Evaluator and evidence", "Source and name there", "Dates and capture"];
  const host = (address) => (safe(address) ? new URL(address).host : "not stated");
  const small = (text, kind = "muted") => (text ? el("small", { class: kind }, text) : null);
  function score(one) {
    const { series: of } = one;
    const sure = [error(one) === "–" ? null : error(one), known(one.n) ? `n = ${number(one.n)}` : null].filter(Boolean).join(", ");
    const dated = one.evaluated_on ? `evaluated ${one.evaluated_on}` : one.published_on ? `published ${one.published_on}` : null;
    const remark = [one.left_out && `counts nowhere: ${moat.words.left_out[one.left_out] || one.left_out}`, one.note].filter(Boolean).join("; ");
    return el("tr", { class: one.left_out ? "out" : null },
      el("td", {}, of.benchmark, small(of.part), small(remark)),
      el("td", { class: "number" }, `${number(one.value, 4)} ${of.unit}`, small(sure)),
      el("td", {}, of.protocol || "protocol not stated", small(one.effort)),
      el("td", {}, of.evaluator || "not stated", small(of.comparability && words(of.comparability)),
        small(one.tier && `${one.tier}: ${moat.words.tiers[one.tier] || ""}`), small(known(one.self_reported) ? (one.self_reported ? "self-reported" : null) : "not stated whether self-reported")),
      el("td", {}, link(one.source_url, one.source_name || host(one.source_url)),
        small(one.source_url && !safe(one.source_url) && one.source_url), small(moat.words.sources[one.source_kind]),
        small(one.model_as_written && `as “${one.model_as_written}”`)),
      el("td", {}, dated || "not dated", small(one.observed_on && `snapshot of ${one.observed_on}`), small(one.fetched_on && `fetched ${one.fetched_on}`),
        small(one.capture_id, "muted capture")));
  }
  function scores(model) {
    const all = model.scores;
    if (!all.length) return section("scores", "Scores", note("No current score."));
    const body = el("tbody"), count = el("p", { class: "note", role: "status" });
    const field = el("input", { type: "search", placeholder: "Benchmark, evaluator or source" });
    const more = el("button", { type: "button" });
    const texts = all.map((one) => Object.values({ ...one, ...one.series }).filter((text) => typeof text === "string").join("\n").toLowerCase());
    let shown = SHOWN;
    const draw = () => {
      const needles = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      const fit = all.filter((_, at) => needles.every((needle) => texts[at].includes(needle)));
      body.replaceChildren(...fit.slice(0, shown).map(score));
      count.textContent = `${number(fit.length)} of ${number(all.length)} scores${fit.length > shown ? `; the first ${number(shown)} are shown` : ""}.`;
      more.hidden = fit.length <= shown;
      more.textContent = `Show ${number(Math.min(SHOWN, fit.length - shown))} more`;
    };
    field.addEventListener("input", () => { shown = SHOWN; draw(); });
    more.addEventListener("click", () => { shown += SHOWN; draw(); });
    draw();
    const caption = `Scores of ${model.name}`;
    return section("scores", "Every score and where it comes from",
      note("Values as published. Those that count in no default are grey, with the reason."
        + (model.replaced ? ` ${number(model.replaced[0][0])} earlier values were replaced or withdrawn; the published file keeps them.` : "")),
      el("p", { class: "adding" }, el("label", {}, "Search these scores", field)), count,
      el("div", { class: "scroll scores", tabindex: "0", role: "region", "aria-label": caption },
        el("table", {}, el("caption", { class: "hidden" }, caption), el("thead", {}, el("tr", {}, HEADS.map((head) => el("th", { scope: "col" }, head)))), body)),
      more);
  }

  function show(model) {
    document.title = `${model.name} · Open Moat`;
    place.replaceChildren(...[
      el("h1", {}, model.name),
      el("p", { class: "model-head" }, access(model.access), model.organisation ? el("span", {}, model.organisation) : null,
        model.kind ? el("span", { class: "badge" }, model.kind) : null,
        el("a", { href: `compare.html?${new URLSearchParams({ ids: moat.tools.join([model.name]) })}` }, "Compare it"),
        el("a", { href: "#scores" }, `${number(model.scores.length)} scores`),
        model.dates || model.accesses || model.licences || model.conflicts ? el("a", { href: "#disputes" }, "disputed in part") : null),
      facts(model), records(model), scores(model), known_by(model), family(model), disputes(model),
    ].filter(Boolean));
  }
  function missing(name) {
    place.replaceChildren(el("h1", {}, "No such model"),
      el("p", { class: "lead" }, "No model with a score goes by the name “", el("b", {}, name), "”."),
      el("p", {}, el("a", { href: `leaderboard.html?${new URLSearchParams({ q: name, min: "0", derived: "show" })}` }, "Search the leaderboard for it"), "."));
  }
  function broken(problem) {
    place.replaceChildren(el("h1", {}, "The scores cannot be read"), el("p", {}, `${problem.message}. Is the site complete?`));
  }

  // Without a model the page asks for one; the names come when somebody begins to write.
  function ask() {
    const field = document.getElementById("name"), said = document.getElementById("said");
    const go = () => {
      const name = meant(field.value);
      if (name !== null) location.href = page(name);
      else said.textContent = unclear(field.value, fitting(field.value));
    };
    const named = (then) => script("data/names.js").then(then).catch((problem) => { said.textContent = `${problem.message}. Is the site complete?`; });
    field.addEventListener("input", (event) => named(() => { suggest(field); if (chosen(event)) go(); }));
    document.getElementById("asking").addEventListener("submit", (event) => { event.preventDefault(); if (field.value.trim()) named(go); });
  }

  const asked = new URLSearchParams(location.search).get("id");
  if (!asked) { ask(); return; }
  place.setAttribute("aria-busy", "true");
  load(asked).then((model) => (model ? show(model) : missing(asked))).catch(broken).finally(() => place.setAttribute("aria-busy", "false"));
})();
