"use strict";
// The page of the playground. What it shows of families and networks is what the server says of them.

const $ = (id) => document.getElementById(id);
const canvas = $("canvas");
const ink = canvas.getContext("2d", { willReadFrequently: true });
const WAIT = 1000; // milliseconds between questions about a running diagnosis
const STEPS = 1000; // of a slider that is passed through in ratios
const MOST_BARS = 12;
let about; // what the server said at the start
let stack = []; // the shifts: {family, values, perImage, element}
let seed = 0; // of what is drawn at random in the shifts
let shelves = 0; // how often other pictures were asked for
let asking = false, stale = false, polling = 0;

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

async function ask(path, options) {
  const response = await fetch(path, options);
  const content = await response.json().catch(() => ({ error: `The server refused (${response.status}). Load the page again.` }));
  if (!response.ok) throw new Error(content.error || `The server answered ${response.status}.`);
  return content;
}
const post = (path, content) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) });

function complain(error) {
  $("problem").textContent = error ? (error instanceof TypeError ? "The playground does not answer. Is it still running?" : error.message) : "";
  $("problem").hidden = !error;
}

// The picture

const sizeOf = () => about.size;

function clear() {
  ink.fillStyle = "#000";
  ink.fillRect(0, 0, canvas.width, canvas.height);
  pressed(null);
}

function pressed(button) {
  for (const other of $("shelf").children) other.setAttribute("aria-pressed", String(other === button));
}

async function take(url) {
  busy(true);
  const image = new Image();
  image.src = url;
  await image.decode();
  ink.clearRect(0, 0, canvas.width, canvas.height);
  ink.drawImage(image, 0, 0, canvas.width, canvas.height);
  changed();
}

async function open(file) {
  busy(true);
  try {
    const { picture } = await ask("picture", { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file });
    pressed(null);
    complain(null);
    await take(picture);
  } catch (error) {
    busy(asking);
    complain(error);
  }
}

function stroke(from, to) {
  Object.assign(ink, { strokeStyle: "#fff", lineWidth: canvas.width / 11, lineCap: "round" });
  ink.beginPath();
  ink.moveTo(...from);
  ink.lineTo(...to);
  ink.stroke();
  pressed(null);
  changed();
}

function bytes() {
  const { data } = ink.getImageData(0, 0, canvas.width, canvas.height);
  const channels = sizeOf().channels;
  const kept = new Uint8Array((data.length / 4) * channels);
  for (let pixel = 0; pixel < data.length / 4; pixel++)
    for (let channel = 0; channel < channels; channel++) kept[pixel * channels + channel] = data[pixel * 4 + channel];
  return kept;
}

function inBase64(array) {
  let text = "";
  for (let start = 0; start < array.length; start += 8192) text += String.fromCharCode(...array.subarray(start, start + 8192));
  return btoa(text);
}

// As MNIST was made: ink 20/28 of the frame, its centre of mass in the middle.
function center() {
  const { data, width, height } = ink.getImageData(0, 0, canvas.width, canvas.height);
  let left = width, right = -1, top = height, bottom = -1, mass = 0, x = 0, y = 0;
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const value = data[4 * (row * width + column)];
      if (value < 40) continue;
      [left, right, top, bottom] = [Math.min(left, column), Math.max(right, column), Math.min(top, row), Math.max(bottom, row)];
      [mass, x, y] = [mass + value, x + value * (column + 0.5), y + value * (row + 0.5)];
    }
  if (right < 0) return;
  const factor = (20 / 28) * Math.min(width / (right - left + 1), height / (bottom - top + 1));
  const before = make("canvas", { width, height });
  before.getContext("2d").drawImage(canvas, 0, 0);
  clear();
  ink.imageSmoothingQuality = "high";
  ink.drawImage(before, width / 2 - (factor * x) / mass, height / 2 - (factor * y) / mass, factor * width, factor * height);
  changed();
}

function drawing() {
  let last = null;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
    stroke(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const next = at(event);
    stroke(last, next);
    last = next;
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => (last = null));

  const place = [canvas.width / 2, canvas.height / 2];
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const pen = $("pen");
  const show = () => Object.assign(pen.style, { left: `${(100 * place[0]) / canvas.width}%`, top: `${(100 * place[1]) / canvas.height}%` });
  canvas.addEventListener("focus", () => {
    pen.hidden = !canvas.matches(":focus-visible");
    show();
  });
  canvas.addEventListener("blur", () => (pen.hidden = true));
  canvas.addEventListener("keydown", (event) => {
    if (event.key === " ") pen.classList.toggle("down");
    else if (!moves[event.key]) return;
    event.preventDefault();
    pen.hidden = false;
    const from = [...place];
    (moves[event.key] || [0, 0]).forEach((by, axis) => {
      place[axis] = Math.min(Math.max(place[axis] + by, 0), axis ? canvas.height : canvas.width);
    });
    show();
    if (pen.classList.contains("down")) stroke(from, place);
  });
}

async function shelf() {
  const choices = await ask(`pictures?seed=${shelves}`);
  $("shelf").replaceChildren(
    ...choices.map(({ picture, label }, number) => {
      const name = label === null ? `picture ${number + 1}` : label;
      const button = make("button", { type: "button", title: name }, make("img", { src: picture, alt: name }));
      button.addEventListener("click", () => (pressed(button), take(picture)));
      return button;
    }),
  );
  $("shelf").firstElementChild?.click();
}

// The shifts

function add(name) {
  const family = about.families.find((one) => one.family === name);
  const values = Object.fromEntries(family.controls.map((control) => [control.name, control.value]));
  stack.push({ family, values, perImage: false, element: make("li", { className: "shift" }) });
  restack();
  stack.at(-1).element.querySelector("input, select, button").focus();
}

function restack() {
  lay();
  changed();
}

function lay() {
  $("stack").replaceChildren(...stack.map((shift, place) => filled(shift, place)));
  $("none").hidden = stack.length > 0;
  $("again").disabled = !stack.some((shift) => shift.family.drawn || shift.perImage);
  $("add").disabled = stack.length >= about.most_shifts;
}

function filled(shift, place) {
  const { family, element } = shift;
  const tool = (text, label, enabled, action) => {
    const button = make("button", { type: "button", className: "plain", textContent: text, title: label, disabled: !enabled });
    button.setAttribute("aria-label", `${label}: ${family.family}`);
    button.addEventListener("click", action);
    return button;
  };
  const swap = (other) => {
    [stack[place], stack[other]] = [stack[other], stack[place]];
    restack();
    stack[other].element.querySelector("button:not(:disabled)").focus();
  };
  element.replaceChildren(
    make("header", {}, make("h3", { textContent: family.family }),
      tool("↑", "Earlier", place > 0, () => swap(place - 1)),
      tool("↓", "Later", place < stack.length - 1, () => swap(place + 1)),
      tool("✕", "Remove", true, () => {
        stack.splice(place, 1);
        restack();
        $("add").focus();
      })),
    make("p", { className: "soft small", textContent: family.about }),
    ...family.controls.flatMap((control) => controls(shift, control, place)),
    make("details", { className: "small" }, make("summary", { textContent: "Why it can hurt" }), make("p", { textContent: family.why })),
  );
  if (family.varies) {
    const box = make("input", { type: "checkbox", checked: shift.perImage });
    box.addEventListener("change", () => {
      shift.perImage = box.checked;
      for (const control of family.controls.filter((one) => one.varies)) {
        const value = shift.values[control.name];
        if (!box.checked) shift.values[control.name] = value.high;
        else shift.values[control.name] = { low: control.low < 0 ? Math.max(-Math.abs(value), control.low) : control.low, high: Math.abs(value) };
      }
      restack();
      box.focus();
    });
    element.lastElementChild.before(make("label", { className: "tick" }, box, "drawn afresh for each image"));
  }
  return element;
}

function controls(shift, control, place) {
  if (control.kind === "flag") {
    const box = make("input", { type: "checkbox", checked: shift.values[control.name] });
    box.addEventListener("change", () => set(shift, control.name, box.checked));
    return [make("label", { className: "tick", title: control.about }, box, `${control.name}: ${control.about}`)];
  }
  if (control.kind === "number" || control.kind === "whole") {
    const value = shift.values[control.name];
    if (typeof value !== "object") return [slider(shift, control, place, null)];
    return [slider(shift, control, place, "low"), slider(shift, control, place, "high")];
  }
  const id = `control-${place}-${control.name}`;
  let field;
  if (control.kind === "choice") {
    field = make("select", {}, ...control.choices.map((one) => make("option", { value: one ?? "", textContent: one || "–" })));
    field.value = shift.values[control.name] ?? "";
    field.addEventListener("change", () => set(shift, control.name, field.value === "" && control.choices.includes(null) ? null : field.value));
  } else {
    field = make("input", { type: "text", spellcheck: false, value: control.kind === "list" ? JSON.stringify(shift.values[control.name]) : shift.values[control.name] });
    field.addEventListener("input", () => {
      try {
        set(shift, control.name, control.kind === "list" ? JSON.parse(field.value) : field.value);
        field.removeAttribute("aria-invalid");
      } catch {
        field.setAttribute("aria-invalid", "true"); // still being typed
      }
    });
  }
  field.id = id;
  return [make("div", { className: "control" }, named(id, control.name, control.about), field)];
}

function named(id, name, text) {
  return make("label", { htmlFor: id, title: text }, make("b", { textContent: name }), text ? ` · ${text}` : "");
}

function slider(shift, control, place, end) {
  const { low, high, step } = control;
  const id = `control-${place}-${control.name}-${end || ""}`;
  const read = () => (end ? shift.values[control.name][end] : shift.values[control.name]);
  const toPlace = (value) => (control.in_ratios ? (STEPS * Math.log(value / low)) / Math.log(high / low) : value);
  const toValue = (at) => (control.in_ratios ? Number((low * (high / low) ** (at / STEPS)).toPrecision(3)) : at);
  const limits = control.in_ratios ? { min: 0, max: STEPS, step: 1 } : { min: low, max: high, step };
  const range = make("input", { type: "range", id, ...limits });
  const number = make("input", { type: "number", min: low, max: high, step: control.kind === "whole" ? 1 : "any" });
  const title = control.name + (end ? { low: ", from", high: ", to" }[end] : "");
  number.setAttribute("aria-label", `${title}, as a number`);
  range.value = toPlace(read());
  number.value = read();
  const put = (value) => {
    if (!end) return set(shift, control.name, value);
    const both = { ...shift.values[control.name], [end]: value };
    if (both.low > both.high) both[end === "low" ? "high" : "low"] = value;
    set(shift, control.name, both);
    for (const other of shift.element.querySelectorAll("[data-sync]")) if (other !== range) other.dispatchEvent(new Event("sync"));
  };
  range.dataset.sync = control.name;
  range.addEventListener("sync", () => ([range.value, number.value] = [toPlace(read()), read()]));
  range.addEventListener("input", () => {
    const value = Math.min(Math.max(toValue(Number(range.value)), low), high);
    number.value = Number(value.toPrecision(6));
    put(Number(value.toPrecision(6)));
  });
  number.addEventListener("input", () => {
    const value = number.valueAsNumber;
    if (Number.isNaN(value)) return;
    range.value = toPlace(value);
    put(value);
  });
  return make("div", { className: "control" }, named(id, title, control.about), range, number);
}

function set(shift, name, value) {
  shift.values[name] = value;
  changed();
}

const settings = () => stack.map(({ family, values, perImage }) => ({ family: family.family, parameters: values, per_image: perImage }));

// The answers

const busy = (yes) => $("networks").setAttribute("aria-busy", String(yes));

function changed() {
  stale = true;
  if (!asking) requestAnimationFrame(refresh);
  asking = true;
  busy(true);
}

async function refresh() {
  while (stale) {
    stale = false;
    const began = performance.now();
    try {
      show(await post("answers", { picture: inBase64(bytes()), shifts: settings(), seed }));
      complain(null);
      const took = Math.round(performance.now() - began);
      $("time").textContent = `Answered in ${took} ms.`;
    } catch (error) {
      complain(error);
    }
  }
  asking = false;
  busy(false);
}

const percent = (share) => (share > 0.995 && share < 1 ? "> 99%" : share > 0 && share < 0.005 ? "< 1%" : `${Math.round(100 * share)}%`);
const nameOf = (label) => about.classes[label] ?? String(label);
const likeliest = (shares) => shares.indexOf(Math.max(...shares));

function show({ picture, shift, values, answers }) {
  $("shifted").src = $("now-picture").src = picture;
  $("words").textContent = stack.length ? shift : "As it is";
  $("values").textContent = values.charAt(0).toUpperCase() + values.slice(1) + ".";
  $("networks").replaceChildren(...(answers.length ? answers.map(card) : [howToTrain()]));
  $("legend").hidden = !answers.length;
  const said = answers.filter((one) => !one.error).map((one) => [one.name, nameOf(likeliest(one.before)), nameOf(likeliest(one.after))]);
  $("now-answers").replaceChildren(...said.map(([name, before, after]) => make("span", {}, `${name} `, make("b", { textContent: before === after ? after : `${before} → ${after}` }))));
  const spoken = said.map(([name, , after]) => `${name}: ${after}`).join("; ");
  if ($("spoken").textContent !== spoken) $("spoken").textContent = spoken;
}

function card({ name, before, after, margin, margin_before, panels, error }) {
  if (error) return make("article", { className: "card" }, make("h3", { textContent: name }), make("p", { className: "problem", textContent: error }));
  const [first, then] = [likeliest(before), likeliest(after)];
  const same = first === then;
  const pill = make("span", { className: `pill ${same ? "good" : "bad"}`, textContent: same ? "the same answer" : `was ${nameOf(first)}` });
  return make("article", { className: "card" },
    make("header", {}, make("h3", { textContent: name })),
    make("div", { className: "verdict" }, make("strong", { textContent: nameOf(then) }), pill),
    make("p", { className: "soft small", textContent: `Margin ${margin.toFixed(1)}, before ${margin_before.toFixed(1)}` }),
    make("ol", { className: "bars" }, ...shownClasses(after).map((label) => bar(label, before[label], after[label], label === then))),
    make("div", { className: "views" }, ...panels.map(view)));
}

function shownClasses(shares) {
  const all = [...shares.keys()];
  if (all.length <= MOST_BARS) return all;
  return all.sort((a, b) => shares[b] - shares[a]).slice(0, MOST_BARS);
}

function bar(label, before, after, top) {
  const [fill, line] = [make("i"), make("u")];
  fill.style.width = `${100 * after}%`;
  line.style.left = `${100 * before}%`;
  const track = make("div", { className: "track", title: `${nameOf(label)}: ${percent(after)}, before ${percent(before)}` }, fill, line);
  return make("li", { className: top ? "top" : "" }, make("span", { textContent: nameOf(label) }), track, make("span", { textContent: percent(after) }));
}

function view({ title, about: text, picture, lines }) {
  const frame = make("div", { className: "frame" }, make("img", { src: picture, alt: `${title}: ${text}` }));
  if (lines.length) {
    const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    drawing.setAttribute("viewBox", "0 0 100 100");
    drawing.setAttribute("preserveAspectRatio", "none");
    drawing.setAttribute("aria-hidden", "true");
    for (const line of lines) {
      const drawn = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
      drawn.setAttribute("points", line.map(([x, y]) => `${100 * x},${100 * y}`).join(" "));
      drawing.append(drawn);
    }
    frame.append(drawing);
  }
  return make("figure", { title: text }, frame, make("figcaption", { textContent: title }));
}

function howToTrain() {
  return make("article", { className: "card" },
    make("h3", { textContent: "No trained network yet" }),
    make("p", { textContent: "Shifts and the diagnosis work without one. To see what networks say, stop the playground with Ctrl-C, train one (about a minute), and start it again:" }),
    make("pre", { tabIndex: 0, textContent: "shiftassay train mlp --epochs 1\nshiftassay train stn --epochs 3\nshiftassay play" }),
    make("p", { className: "soft small", textContent: "Or name a model of your own: shiftassay play model.onnx --images my-pictures/" }));
}

// The diagnosis of a batch

async function diagnose(event) {
  event.preventDefault();
  try {
    await post("diagnosis", { shifts: settings(), images: Number($("images").value), network: $("network").value || null, seed });
    $("result").replaceChildren(make("p", {}, make("progress", { ariaLabel: "The diagnosis runs" }), make("span", { id: "seconds" })));
    $("stop").hidden = false;
    poll(++polling);
  } catch (error) {
    $("result").replaceChildren(make("p", { className: "problem", textContent: error.message }));
  }
}

async function poll(number) {
  try {
    const { state, seconds, result, error } = await ask("diagnosis");
    if (number !== polling) return;
    if (state === "running") {
      if ($("seconds")) $("seconds").textContent = ` ${Math.round(seconds)} s. Usually it takes 5 to 60.`;
      setTimeout(poll, WAIT, number);
      return;
    }
    $("stop").hidden = true;
    $("result").replaceChildren(...(result ? found(result, seconds) : [make("p", { className: "problem", textContent: error || "Stopped." })]));
  } catch (error) {
    $("result").replaceChildren(make("p", { className: "problem", textContent: error.message }));
  }
}

function found({ named: right, sentence, set_to, verdict, confidence, report }, seconds) {
  const pairs = [["set", set_to], ["diagnosis", verdict], ["confidence", confidence], ["took", `${Math.round(seconds)} s`]];
  return [
    make("p", { className: "sentence" }, make("span", { className: `pill ${right ? "good" : "bad"}`, textContent: right ? "found" : "not found" }), ` ${sentence}`),
    make("dl", {}, ...pairs.flatMap(([name, text]) => [make("dt", { textContent: name }), make("dd", { textContent: text })])),
    make("details", {}, make("summary", { textContent: "All that it says" }), make("pre", { tabIndex: 0, textContent: report })),
  ];
}

// The beginning

function options(element, pairs) {
  element.replaceChildren(...pairs.map(([value, textContent]) => make("option", { value, textContent })));
}

async function start() {
  about = await ask("start");
  const { width, height } = about.size;
  Object.assign(canvas, { width, height });
  for (const board of document.querySelectorAll(".board")) board.style.setProperty("--ratio", `${width} / ${height}`);
  $("where").textContent = `Pictures of ${about.set}. Nothing leaves this machine.`;
  $("notes").replaceChildren(...about.notes.map((textContent) => make("p", { textContent })));
  const groups = grouped(about.families);
  $("add").replaceChildren(make("option", { value: "", textContent: "Add a shift…" }), ...[...groups].map(([label, families]) =>
    make("optgroup", { label }, ...families.map(({ family }) => make("option", { value: family, textContent: family })))));
  const sizes = [50, 100, 300, 1000].filter((count) => count >= about.batch.fewest && count <= about.batch.most);
  options($("images"), sizes.map((count) => [count, count.toLocaleString("en")]));
  if (sizes.includes(300)) $("images").value = 300;
  options($("network"), [...about.networks.map((name) => [name, name]), ["", "none"]]);

  $("add").addEventListener("change", () => {
    if ($("add").value) add($("add").value);
    $("add").value = "";
  });
  $("again").addEventListener("click", () => (seed++, changed()));
  $("clear").addEventListener("click", () => (clear(), changed()));
  $("center").addEventListener("click", center);
  $("open").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", () => {
    const [file] = $("file").files;
    $("file").value = ""; // so that the same file can be opened again
    if (file) open(file);
  });
  $("others").addEventListener("click", () => (shelves++, shelf().catch(complain)));
  $("diagnose").addEventListener("submit", diagnose);
  $("stop").addEventListener("click", () => ask("diagnosis", { method: "DELETE" }));
  const board = $("board");
  for (const name of ["dragover", "dragleave", "drop"])
    $("picture").addEventListener(name, (event) => {
      event.preventDefault();
      board.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files[0]) open(event.dataTransfer.files[0]);
    });
  drawing();
  lay();
  await shelf();
}

function grouped(families) {
  const groups = new Map();
  for (const one of families) groups.set(one.group, [...(groups.get(one.group) || []), one]);
  return groups;
}

start().catch(complain);
