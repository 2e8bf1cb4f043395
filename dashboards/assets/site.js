"use strict";
// Light or dark: what the reader chose, else what the system says. Storage may be refused (file://, private windows).
(() => {
  const root = document.documentElement;
  const stored = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const asked = new URLSearchParams(location.search).get("theme") || stored();
  if (asked === "dark" || asked === "light") root.dataset.theme = asked;
  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", () => {
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      try { localStorage.setItem("theme", root.dataset.theme); } catch { /* the choice then lasts for this page */ }
    });
    root.classList.add("scripted");
    tips();
    switches();
  });

  // Marks of the charts carry their own words; pointing at one shows them.
  function tips() {
    const tip = document.getElementById("tip");
    const hide = () => { tip.hidden = true; };
    document.addEventListener("pointerover", (event) => {
      const mark = event.target.closest && event.target.closest("svg.chart [aria-label], [data-tip]");
      const words = mark && (mark.dataset.tip || mark.getAttribute("aria-label"));
      if (!words) return hide();
      tip.textContent = words;
      tip.hidden = false;
      const box = tip.getBoundingClientRect();
      tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 8))}px`;
      tip.style.top = `${event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 12 : event.clientY + 18}px`;
    });
    document.addEventListener("pointerdown", (event) => { if (!event.target.closest("svg.chart")) hide(); });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
    addEventListener("scroll", hide, { passive: true });
  }

  // A switch shows one of several blocks that the page already holds: <fieldset data-switch="group">, radios, and
  // blocks with data-group and data-value. Its state lives in the address.
  function switches() {
    const address = new URL(location.href);
    for (const field of document.querySelectorAll("fieldset[data-switch]")) {
      const group = field.dataset.switch;
      const radios = [...field.querySelectorAll("input")];
      const show = (value) => {
        for (const block of document.querySelectorAll(`[data-group="${group}"]`))
          block.classList.toggle("hidden-block", block.dataset.value !== value && !(block.dataset.values || "").split(" ").includes(value));
      };
      const wanted = address.searchParams.get(group);
      const first = radios.find((radio) => radio.value === wanted) || radios.find((radio) => radio.defaultChecked);
      if (first) { first.checked = true; show(first.value); }
      field.addEventListener("change", (event) => {
        show(event.target.value);
        const now = new URL(location.href);
        if (event.target.defaultChecked) now.searchParams.delete(group); else now.searchParams.set(group, event.target.value);
        try { history.replaceState(null, "", now); } catch { /* some browsers refuse it for files */ }
      });
    }
  }
})();
