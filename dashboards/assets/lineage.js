"use strict";
// Any family: ancestors, descendants as a tree that opens, clocks, growth and retention; its repository is in the address.
(() => {
  const FIRST = 8, MORE = 25, CHAINS = 4, DEEPEST = 30;
  const RELATIONS = { finetune: "fine-tuned", adapter: "adapter", quantized: "quantised", merge: "merge", distilled: "distilled", unknown: "how is not said" };
  const EVIDENCE = {
    tag: "the Hub's own tag says so", declared: "its card says so", curated: "a public page says so",
    inferred: "its name alone tells so",
  };
  const data = window.moat && window.moat.lineage;
  if (!data) return;
  const { names, nodes } = data;
  const place = new Map(names.map((name, at) => [name, at]));
  const lower = names.map((name) => name.toLowerCase());
  const unlisted = new Set(data.nodes.unlisted);
  const below = new Map(), above = new Map();
  for (let at = 0; at < data.edges.length; at += 3) {
    const [parent, child, code] = data.edges.slice(at, at + 3);
    const circled = nodes.circle[parent] !== undefined && nodes.circle[parent] === nodes.circle[child];
    const edge = { parent, child, circled, relation: data.relations[code >> 3], evidence: data.evidence[code & 7] };
    if (!below.has(parent)) below.set(parent, []);
    below.get(parent).push(edge);
    if (!above.has(child)) above.set(child, []);
    above.get(child).push(edge);
  }
  const used = (at) => (nodes.downloads[at] === null ? -1 : nodes.downloads[at]);
  for (const edges of below.values()) edges.sort((a, b) => used(b.child) - used(a.child) || a.child - b.child);
  for (const edges of above.values()) edges.sort((a, b) => nodes.descendants[b.parent] - nodes.descendants[a.parent] || a.parent - b.parent);

  const number = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en-US", { maximumFractionDigits: 2 }));
  const count = (value, one, many) => `${number(value)} ${value === 1 ? one : many}`;
  // Everything shown is text: names come from the Hub, where anybody chooses them.
  function el(tag, attributes, ...inside) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) if (value !== null && value !== undefined) made.setAttribute(name, value);
    made.append(...inside.filter((one) => one !== null && one !== undefined));
    return made;
  }
  function svg(tag, attributes, ...inside) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...inside);
    return made;
  }
  function table(label, heads, rows) {
    const head = el("tr", {}, ...heads.map(([words, kind]) => el("th", { scope: "col", class: kind }, words)));
    const body = rows.map((cells) => el("tr", {}, ...cells.map((cell, at) => {
      const content = cell === null || cell === undefined ? "–" : cell;
      return at ? el("td", { class: heads[at][1] }, content) : el("th", { scope: "row" }, content);
    })));
    return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
      el("table", {}, el("thead", {}, head), el("tbody", {}, ...body)));
  }
  const address = (name) => { const url = new URL(location.href); url.searchParams.set("model", name); url.hash = "family"; return url; };
  function to(at) {
    return typeof at === "string" ? at : el("a", { href: address(names[at]).href, "data-model": names[at] }, el("bdi", {}, names[at]));
  }
  function badges(edge) {
    const known = el("span", { class: `badge e-${edge.evidence}`, "data-tip": EVIDENCE[edge.evidence] }, edge.evidence);
    const relation = el("span", { class: "badge relation" }, RELATIONS[edge.relation]);
    return el("span", { class: "badges" }, relation, known, edge.circled ? el("span", { class: "badge e-inferred" }, "circle, not followed") : null);
  }

  function descendants(from) {
    const seen = new Set([from]), order = [];
    let row = [from];
    for (let depth = 0; row.length && depth < DEEPEST; depth += 1) {
      const next = [];
      for (const at of row) for (const edge of below.get(at) || []) {
        if (edge.circled || seen.has(edge.child)) continue;
        seen.add(edge.child); order.push(edge.child); next.push(edge.child);
      }
      row = next;
    }
    return order;
  }

  // One line a parent: from the furthest ancestor down, each time by the parent with the largest family.
  function ancestors(at) {
    const parents = above.get(at) || [];
    if (!parents.length) return [el("p", {}, "Built on nothing that is known here.")];
    const line = (edge) => {
      const steps = [edge], seen = new Set([at, edge.parent]);
      for (let last = edge; steps.length < DEEPEST;) {
        last = (above.get(last.parent) || []).find((one) => !one.circled && !seen.has(one.parent));
        if (!last) break;
        seen.add(last.parent);
        steps.unshift(last);
      }
      return el("li", {}, ...steps.flatMap((one) => [to(one.parent), badges(one), el("span", { class: "arrow", "aria-label": "leads to" }, "→")]),
        el("b", {}, "this model"));
    };
    const list = el("ul", { class: "chains" }, ...parents.slice(0, CHAINS).map(line));
    const rest = parents.slice(CHAINS);
    const said = `${count(nodes.parents[at], "parent", "parents")}, ${count(nodes.ancestors[at], "ancestor", "ancestors")} in all; each line follows the parent with the largest family.`;
    if (rest.length) list.append(el("li", {}, more(`and ${count(rest.length, "more parent", "more parents")}`, list, () => rest.map(line))));
    return [list, nodes.ancestors[at] > 1 ? el("p", { class: "note" }, said) : null];
  }
  function more(words, list, rows) {
    const button = el("button", { type: "button", class: "more" }, words);
    button.addEventListener("click", () => {
      const made = rows();
      button.parentElement.replaceWith(...made);
      const first = made[0] && made[0].querySelector("a, button");
      if (first) first.focus();
    });
    return button;
  }

  function tree(at, path, hold) {
    const list = el("ul", { class: "tree" });
    const edges = (below.get(at) || []).filter((edge) => !path.includes(edge.child));
    const unseen = Math.max(0, nodes.children[at] - (below.get(at) || []).filter((edge) => !edge.circled).length);
    const show = (from, size) => {
      const rows = edges.slice(from, from + size).map((edge) => member(edge, path));
      const left = edges.length - from - rows.length;
      if (left > 0) rows.push(el("li", { class: "rest" }, more(`and ${number(left)} more`, list, () => show(from + rows.length - 1, MORE))));
      else if (unseen) rows.push(el("li", { class: "rest muted" }, `and ${number(unseen)} more that this page does not hold`));
      return rows;
    };
    list.append(...show(0, FIRST));
    if (hold) list.id = hold;
    return list;
  }
  let made = 0;
  function member(edge, path) {
    const at = edge.child, kids = edge.circled ? [] : below.get(at) || [];
    const facts = [used(at) < 0 ? null : `${number(used(at))} downloads`, nodes.descendants[at] ? `${number(nodes.descendants[at])} below` : null];
    const row = el("li", {});
    const line = el("div", { class: "member" });
    row.append(line);
    if (kids.length) {
      const hold = `branch-${made += 1}`;
      const button = el("button", { type: "button", class: "toggle", "aria-expanded": "false", "aria-label": `What was built on ${names[at]}` });
      button.addEventListener("click", () => {
        const open = button.getAttribute("aria-expanded") !== "true";
        button.setAttribute("aria-expanded", String(open));
        if (open) { row.append(tree(at, [...path, at], hold)); button.setAttribute("aria-controls", hold); }
        else { row.lastElementChild.remove(); button.removeAttribute("aria-controls"); }
      });
      line.append(button);
    } else line.append(el("span", { class: "leaf", "aria-hidden": "true" }));
    line.append(to(at), badges(edge), el("span", { class: "muted facts-line" }, facts.filter(Boolean).join(" · ")));
    return row;
  }

  function techniques(at, all) {
    const counted = [...data.kinds.map((kind, bit) => [kind, all.filter((one) => nodes.kinds[one] & (1 << bit)).length]),
      ["nothing is said", all.filter((one) => !nodes.kinds[one]).length]].filter(([, size]) => size);
    counted.sort((a, b) => (a[0] === "nothing is said") - (b[0] === "nothing is said") || b[1] - a[1]);
    const most = Math.max(...counted.map(([, size]) => size), 1);
    const rows = counted.map(([kind, size]) => [kind, number(size),
      svg("svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
        svg("rect", { x: 0, y: 1, height: 8, width: 100 * size / most, class: kind === "nothing is said" ? "faint" : "full" }))]);
    return table("Descendants by how they were made", [["how it was made"], ["descendants", "number"], ["compared", "bars"]], rows);
  }

  function clocks(at) {
    const clock = data.clock[at];
    if (!clock) return [el("p", {}, "No day is known from which to count.")];
    const [start, from, observed, older, kinds] = clock;
    const words = { weights: "the day its weights were public", release: "its release", repository: "the creation of its repository, which may be later" };
    const rows = data.kinds.map((kind, at_) => [kind, kinds.find((row) => row[0] === at_)]);
    rows.sort((a, b) => (a[1] && a[1][1] !== null ? a[1][1] : Infinity) - (b[1] && b[1][1] !== null ? b[1][1] : Infinity) || 0);
    const never = `> ${number(observed)}`;
    const cells = rows.map(([kind, row]) => {
      if (!row || row[1] === null) return [kind, never, null, null, null, null, row ? row[7] : 0];
      const [, days, first, evidence, outside, famous, children, inferred] = row;
      return [kind, number(days), to(first), el("span", { class: `badge e-${data.evidence[evidence]}` }, data.evidence[evidence]),
        outside === null ? never : number(outside), famous === null ? never : number(famous), number(children + inferred)];
    });
    return [
      table("Days until the first derivative", [["kind"], ["days", "number"], ["first one"], ["known by"], ["by others", "number"], ["used", "number"], ["in all", "number"]], cells),
      el("p", { class: "note" }, `Days from ${start}, ${words[data.starts[from]]}. “${never}” = none in ${number(observed)} days so far. By others: not by the account of the base. Used: with 1,000 downloads in 30 days.`
        + (older ? ` ${count(older, "derivative is", "derivatives are")} older than that day: it may be too late.` : "")),
    ];
  }

  function growth(at) {
    const rows = data.growth[at];
    if (!rows) return null;
    return table("Derivatives and authors after 7, 30 and 90 days",
      [["after"], ["derivatives", "number"], ["by name alone", "number"], ["authors", "number"], ["others", "number"]],
      rows.map(([days, derivatives, authors, outside, inferred, complete]) =>
        [`${days} days${complete ? "" : " (not over yet)"}`, number(derivatives), number(inferred), number(authors), number(outside)]));
  }

  // A row a derivative, a column a series: two series of one benchmark have different scores of the base.
  function retained(at) {
    const found = data.retained.by_base[at];
    if (!found) return [el("p", {}, "No derivative has a score in a series in which its base has one.")];
    const columns = new Map(), rows = new Map();
    for (const row of found.rows) {
      const [child, series, base] = row, key = `${series} ${base}`;
      if (!columns.has(key)) columns.set(key, { series: data.retained.series[series], base });
      if (!rows.has(child)) rows.set(child, new Map());
      rows.get(child).set(key, row);
    }
    const heads = [["derivative"], ...[...columns.values()].map(({ series: [name, unit] }) => [unit === "percent" ? name : `${name}, ${unit}`, "number"])];
    const cell = (row) => row && el("span", {}, number(row[3]), row[4] === null ? null : el("small", { class: "muted" }, ` ${Math.round(100 * row[4])}%`));
    const cells = [[el("b", {}, "the base itself"), ...[...columns.values()].map(({ base }) => el("b", {}, number(base)))],
      ...[...rows].map(([child, own]) => [to(child), ...[...columns.keys()].map((key) => cell(own.get(key)))])];
    const left = found.of_all - found.rows.length;
    return [
      table("Scores of derivatives beside those of the base", heads, cells),
      el("p", { class: "note" }, `Scores, and the share of the base's score that is kept; in the same series only.${left > 0 ? ` The most downloaded derivatives: marts.retention has ${number(left)} more rows.` : ""}`),
    ];
  }

  const view = () => document.getElementById("family-view");
  const say = (words) => { document.getElementById("family-status").textContent = words; };
  const block = (title, ...inside) => [el("h4", {}, title), ...inside.flat().filter(Boolean)];

  function family(at, focus) {
    const name = names[at], all = descendants(at);
    const head = el("h3", { tabindex: "-1", id: "family-title" }, name);
    const page = !unlisted.has(at) && /^[\w.-]+\/[\w.-]+$/.test(name)
      ? el("a", { href: `https://huggingface.co/${name}`, rel: "noopener noreferrer" }, "on the Hub") : el("span", { class: "muted" }, "not listed on this Hub");
    const size = nodes.descendants[at];
    const said = size
      ? `${count(size, "descendant", "descendants")} in ${count(nodes.height[at], "generation", "generations")}, ${number(nodes.children[at])} direct; ${number(nodes.inferred_descendants[at])} known by names alone. `
      : "Nothing that is known was built on it. ";
    const circle = nodes.circle[at] === undefined ? null : el("p", { class: "note" }, `It lies on a circle of declarations (${nodes.circle[at]}), which is not followed.`);
    const held = data.part && all.length < size ? `${number(all.length)} of them are on this page.` : "";
    view().replaceChildren(...[
      head, el("p", { class: "lead" }, said, held, held ? " " : "", page), circle,
      ...block("Built on", ancestors(at)),
      ...(below.has(at) ? block("What was built on it", tree(at, [at])) : []),
      el("div", { class: "pair" },
        el("div", {}, ...(all.length ? block("By what means", techniques(at, all), el("p", { class: "note" }, "One may be of several kinds.")) : [])),
        el("div", {}, ...(growth(at) ? block("How it grew", growth(at), el("p", { class: "note" }, "Direct derivatives. A thousand uploads by one account are one author.")) : []))),
      ...block("How soon", clocks(at)),
      ...(below.has(at) ? block("What became of the score", retained(at)) : []),
    ].filter(Boolean));
    document.getElementById("family-name").value = name;
    say(`${name}: ${said}`);
    if (focus) { head.focus({ preventScroll: true }); head.scrollIntoView({ block: "start" }); }
  }

  function nothing(asked) {
    const near = lower.map((name, at) => [name, at]).filter(([name]) => name.includes(asked.toLowerCase())).map(([, at]) => at);
    near.sort((a, b) => nodes.descendants[b] - nodes.descendants[a] || a - b);
    const first = document.getElementById("explorer").dataset.first;
    const words = near.length ? `${count(near.length, "repository has", "repositories have")} “${asked}” in the name.` : `No repository with a family is called “${asked}”.`;
    view().replaceChildren(
      el("h3", { tabindex: "-1", id: "family-title" }, near.length ? "Which one?" : "Nothing found"), el("p", { class: "lead" }, words),
      near.length ? el("ul", {}, ...near.slice(0, 12).map((at) => el("li", {}, to(at)))) : el("p", {}, "Write organisation/name as the Hub does, or see ", to(place.get(first)), "."));
    document.getElementById("family-name").value = asked;
    say(words);
  }

  function show(asked, focus) {
    let at = place.get(asked);
    if (at === undefined) {
      const same = lower.indexOf(asked.toLowerCase());
      const only = same < 0 && asked ? lower.filter((name) => name.includes(asked.toLowerCase())) : [];
      at = same >= 0 ? same : only.length === 1 ? lower.indexOf(only[0]) : undefined;
    }
    if (at === undefined) nothing(asked); else family(at, focus);
    return at === undefined ? asked : names[at];
  }
  function go(asked) {
    const shown = show(asked, true);
    history.pushState(null, "", address(shown));
  }

  const explorer = document.getElementById("explorer");
  if (!explorer) return;
  const input = document.getElementById("family-name"), list = document.getElementById("family-names");
  const wanted = () => (new URLSearchParams(location.search).get("model") || "").trim() || explorer.dataset.first;
  input.addEventListener("input", (event) => {
    const typed = input.value.trim().toLowerCase();
    if (event.inputType !== "insertText" && event.inputType !== "deleteContentBackward" && place.has(input.value)) return go(input.value);
    const near = typed ? lower.map((name, at) => [name, at]).filter(([name]) => name.includes(typed)).map(([, at]) => at) : [];
    near.sort((a, b) => nodes.descendants[b] - nodes.descendants[a] || a - b);
    list.replaceChildren(...near.slice(0, 30).map((at) => el("option", { value: names[at] })));
  });
  document.getElementById("family-search").addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim()) go(input.value.trim());
  });
  document.getElementById("family-copy").addEventListener("click", async () => {
    try { await navigator.clipboard.writeText(address(input.value || wanted()).href); say("The link is copied."); }
    catch { say("The browser did not allow it: the address of this page is the link."); }
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-model]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(link.dataset.model);
  });
  addEventListener("popstate", () => show(wanted(), false));
  show(wanted(), false);
})();
