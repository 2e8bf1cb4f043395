"use strict";
// The SQL page: DuckDB in a worker of the browser, loaded when somebody presses Run, on the site's own copy of the marts.
(() => {
  const SHOWN = 1000; // rows
  const LONG = 2000; // characters of a cell; the file has all
  const here = document.currentScript.src;
  const at = (file) => new URL(file, here).href;
  const find = (id) => document.getElementById(id);
  const query = find("query"), run = find("run"), stop = find("stop"), status = find("status"), weight = find("sql-weight");
  let engine = null; // a promise of {connection, worker} while it is loading or ready
  let result = null; // columns and rows as Arrow has them, for the download
  let running = 0; // which run is the last: what an older one still says is not shown

  const asked = new URLSearchParams(location.search).get("q");
  if (asked !== null) query.value = asked;
  fit();
  const served = location.protocol === "http:" || location.protocol === "https:";
  find("from-file").hidden = served;
  run.disabled = !served || !weight;

  run.addEventListener("click", ask);
  stop.addEventListener("click", halt);
  find("download").addEventListener("click", download);
  query.addEventListener("input", fit);
  query.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (!run.disabled) ask();
  });
  for (const choice of document.querySelectorAll("[data-query]"))
    choice.addEventListener("click", (event) => {
      event.preventDefault();
      query.value = choice.dataset.query;
      fit();
      query.focus();
      query.scrollIntoView({ block: "nearest" });
    });

  const search = find("find");
  search.hidden = false;
  search.addEventListener("input", () => {
    const words = search.value.trim().toLowerCase();
    let found = 0;
    for (const table of document.querySelectorAll(".sql-table")) {
      table.hidden = !table.textContent.toLowerCase().includes(words);
      found += table.hidden ? 0 : 1;
    }
    find("none-found").hidden = found > 0;
  });

  function fit() {
    query.rows = Math.min(24, Math.max(6, query.value.split("\n").length + 1));
  }

  async function ask() {
    const address = new URL(location.href);
    address.searchParams.set("q", query.value);
    history.replaceState(null, "", address);
    const mine = ++running;
    busy(true);
    find("error").hidden = true;
    find("result").hidden = true;
    result = null;
    try {
      if (!query.value.trim()) throw new Error("There is no query yet: write one, or press an example.");
      engine = engine || start(() => mine === running);
      const { connection, broken } = await engine.catch(forget);
      if (mine !== running) return;
      status.textContent = "Running …";
      const began = performance.now();
      const table = await Promise.race([connection.query(query.value), broken.catch(forget)]);
      if (mine !== running) return;
      show(table, performance.now() - began);
    } catch (error) {
      if (mine !== running) return;
      find("result").hidden = true;
      status.textContent = "";
      find("error").textContent = words(error);
      find("error").hidden = false;
    }
    busy(false);

    function forget(error) {
      if (mine === running) engine = null;
      throw error;
    }
  }

  function words(error) {
    const said = String(error && error.message ? error.message : error);
    const closed = /extension|disabled by configuration|has been locked/.test(said);
    return closed ? `${said}\n\nOn this page a query reads the tables of the site alone: no extension, file or address.` : said;
  }

  function busy(is) {
    run.disabled = is;
    stop.hidden = !is;
    if (!is) find("loading").hidden = true;
  }

  async function halt() {
    running += 1;
    const stopped = engine;
    engine = null;
    status.textContent = "Stopped. The next run starts the engine anew.";
    busy(false);
    run.focus();
    if (stopped) (await stopped.catch(() => null))?.worker.terminate();
  }

  // Engine and data come together; the bar counts the bytes of both.
  async function start(current) {
    const size = { engine: Number(weight.dataset.engine), data: Number(weight.dataset.data) };
    const had = { engine: 0, data: 0 };
    const bar = find("progress");
    bar.max = size.engine + size.data;
    const tell = (part, bytes) => {
      had[part] = Math.min(bytes, size[part]);
      if (!current()) return;
      bar.value = had.engine + had.data;
      find("loaded").textContent = `${megabytes(bar.value)} of ${megabytes(bar.max)} MB`;
    };
    status.textContent = "Loading the engine and the data …";
    tell("data", 0);
    find("loading").hidden = false;
    let worker = null;
    try {
      await script(at("duckdb/arrow.js"));
      const duckdb = await import(at("duckdb/client.js"));
      worker = new Worker(at("duckdb/worker.js"));
      const broken = new Promise((_, reject) => {
        worker.addEventListener("error", () => reject(new Error("The engine stopped or could not be loaded. Run again to start it anew.")));
      });
      broken.catch(() => {}); // who waits for it hears of it
      const database = new duckdb.AsyncDuckDB(new duckdb.VoidLogger(), worker);
      const ready = database.instantiate(at("duckdb/duckdb-eh.wasm"), null, (progress) => tell("engine", progress.bytesLoaded));
      const [bytes] = await Promise.race([
        Promise.all([load(at("../marts.duckdb"), (count) => tell("data", count)), ready]), broken,
      ]);
      if (current()) status.textContent = "Starting …";
      await database.registerFileBuffer("marts.duckdb", bytes);
      await database.open({ path: ":memory:", query: { castBigIntToDouble: false } });
      const connection = await database.connect();
      // No file and no host but what was just loaded: no extension is fetched, whatever a query asks for.
      await connection.query(`
        ATTACH 'marts.duckdb' AS openmoat (READ_ONLY);
        USE openmoat;
        SET autoinstall_known_extensions = false;
        SET autoload_known_extensions = false;
        SET enable_external_access = false;
        SET lock_configuration = true;`);
      if (current()) find("loading").hidden = true;
      return { connection, worker, broken };
    } catch (error) {
      worker?.terminate();
      throw error;
    }
  }

  function script(address) {
    return new Promise((done, failed) => {
      if (globalThis.Arrow) return done();
      const element = document.createElement("script");
      element.src = address;
      element.onload = () => done();
      element.onerror = () => failed(new Error("The engine could not be loaded."));
      document.head.append(element);
    });
  }

  async function load(address, tell) {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`The data could not be loaded: the server answered ${answer.status}.`);
    const parts = [];
    let count = 0;
    const reader = answer.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      tell((count += part.value.length));
    }
    const bytes = new Uint8Array(count);
    count = 0;
    for (const part of parts) { bytes.set(part, count); count += part.length; }
    return bytes;
  }

  function megabytes(bytes) { return (bytes / 1e6).toFixed(1); }

  function show(table, took) {
    const columns = table.schema.fields.map((field, index) => ({
      name: field.name, type: field.type, values: table.getChildAt(index), number: [2, 3, 7].includes(field.type.typeId),
    }));
    result = { columns, rows: table.numRows };
    const [head, body] = ["thead", "tbody"].map((name) => find("result").querySelector(name));
    head.replaceChildren(row(columns.map((column) => {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = column.name;
      if (column.number) cell.className = "number";
      return cell;
    })));
    const lines = [];
    for (let at = 0; at < Math.min(table.numRows, SHOWN); at += 1)
      lines.push(row(columns.map((column) => {
        const cell = document.createElement("td");
        const value = read(column, at);
        cell.textContent = value === null ? "null" : value.length > LONG ? `${value.slice(0, LONG)}…` : value;
        cell.className = (column.number ? "number" : "") + (value === null ? " null" : value.length > 40 ? " long" : "");
        return cell;
      })));
    body.replaceChildren(...lines);
    const rows = `${table.numRows.toLocaleString("en")} ${table.numRows === 1 ? "row" : "rows"}`;
    status.textContent = `${rows} in ${took < 1000 ? `${Math.max(1, Math.round(took))} ms` : `${(took / 1000).toFixed(1)} s`}`;
    find("shown").textContent = table.numRows > SHOWN ? `The first ${SHOWN.toLocaleString("en")} of ${rows}; the file has all.` : rows;
    find("result").hidden = false;
  }

  function row(cells) {
    const line = document.createElement("tr");
    line.append(...cells);
    return line;
  }

  // Null, or the text of a value. What Arrow cannot read right is an error: no value is better than a wrong one.
  function read(column, at) {
    try {
      const value = column.values.get(at);
      return value === null ? null : text(value, column.type);
    } catch {
      throw new Error(`A value of the column ${column.name} cannot be shown here: cast the column to VARCHAR.`);
    }
  }

  // A value as DuckDB writes it. The numbers are Arrow's kinds of type.
  function text(value, type) {
    if (value === null || value === undefined) return "NULL";
    switch (type.typeId) {
      case -1: return text(value, type.dictionary);
      case 4: return value.length > LONG ? `${value.length} bytes` : [...value].map(octet).join("");
      case 7: return decimal(value, type.scale);
      case 8: return stamp(Number(value)).slice(0, -9);
      case 9: return clock(BigInt(value) * 10n ** (6n - 3n * BigInt(type.unit)));
      case 10: return stamp(Number(value)) + (type.timezone ? "+00" : "");
      case 12: case 16: return `[${[...value].map((one) => text(one, type.children[0].type)).join(", ")}]`;
      case 11: case 18: throw new RangeError("an interval");
      case 13: return `{${type.children.map((field) => `'${field.name}': ${text(value[field.name], field.type)}`).join(", ")}}`;
      case 17: {
        const [key, kind] = type.children[0].type.children;
        return `{${[...value].map(([name, one]) => `${text(name, key.type)}=${text(one, kind.type)}`).join(", ")}}`;
      }
      default: return String(value);
    }
  }

  function octet(byte) {
    const plain = byte > 31 && byte < 127 && !`"'\\`.includes(String.fromCharCode(byte));
    return plain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0").toUpperCase()}`;
  }

  function stamp(milliseconds) {
    const seconds = Math.floor(milliseconds / 1000);
    const day = new Date(seconds * 1000);
    if (Number.isNaN(day.getTime()) || day.getUTCFullYear() < 1 || day.getUTCFullYear() > 9999) throw new RangeError("a far day");
    const part = Math.round((milliseconds - seconds * 1000) * 1000);
    return day.toISOString().replace("T", " ").slice(0, -5) + fraction(part);
  }

  function clock(microseconds) {
    const of = (size, most) => String((microseconds / size) % most).padStart(2, "0");
    return `${of(3600000000n, 25n)}:${of(60000000n, 60n)}:${of(1000000n, 60n)}${fraction(Number(microseconds % 1000000n))}`;
  }

  function fraction(microseconds) {
    return microseconds ? `.${String(microseconds).padStart(6, "0").replace(/0+$/, "")}` : "";
  }

  function decimal(words, scale) {
    let whole = 0n;
    for (let at = words.length - 1; at >= 0; at -= 1) whole = (whole << 32n) | BigInt(words[at] >>> 0);
    whole = BigInt.asIntN(words.length * 32, whole);
    const digits = String(whole < 0n ? -whole : whole).padStart(scale + 1, "0");
    const sign = whole < 0n ? "-" : "";
    return sign + (scale ? `${digits.slice(0, -scale)}.${digits.slice(-scale)}` : digits);
  }

  // A text that a spreadsheet would take for a formula gets an apostrophe in front, as in the files of this site.
  function field(value, guarded) {
    const safe = guarded && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return safe === "" || /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }

  function download() {
    const { columns, rows } = result;
    const lines = [columns.map((column) => field(column.name, true)).join(",")];
    for (let at = 0; at < rows; at += 1)
      lines.push(columns.map((column) => {
        const value = read(column, at);
        return value === null ? "" : field(value, !column.number);
      }).join(","));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
    link.download = "openmoat-query.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
})();
