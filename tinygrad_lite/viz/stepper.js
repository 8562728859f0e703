// The stepper: draws the graph in #data and plays its steps. All text is set as text, never as HTML.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const nodes = new Map(data.nodes.map((node) => [node.id, node]));
  const groups = new Map(data.groups.map((group) => [group.id, group]));
  const state = { at: 0, chosen: null, only: "", timer: null, moved: false, view: { x: 0, y: 0, k: 1 } };
  const folded = new Set(data.groups.filter((group) => group.folded).map((group) => group.id));

  // Elements ---------------------------------------------------------------------------------------------------

  const SVG = "http://www.w3.org/2000/svg";
  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    element.append(...(children || []));
    return element;
  }
  const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
  const html = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

  const ruler = document.createElement("canvas").getContext("2d");
  const fonts = {};
  const style = getComputedStyle(document.documentElement);
  const family = (name) => style.getPropertyValue(`--${name}`);
  fonts.name = `650 15px ${family("sans")}`;
  fonts.formula = `15px ${family("math")}`;
  fonts.meta = `11.5px ${family("sans")}`;
  fonts.value = fonts.gradient = `13px ${family("mono")}`;
  fonts.label = `700 18px ${family("math")}`;
  fonts.wide = `700 12px ${family("mono")}`;
  const READABLE = 0.66; // the scale below which the page does not go by itself
  const MANY = 250; // nodes; the layout of more takes shorter ways
  const HEIGHTS = { name: 21, formula: 21, meta: 17, value: 18, gradient: 18 };
  function width(text, font) {
    ruler.font = fonts[font];
    return ruler.measureText(text).width;
  }
  const cut = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);

  // Steps by node and edge -------------------------------------------------------------------------------------

  const forwardAt = new Map(); // node → its forward step
  const backwardAt = new Map(); // edge → its backward step
  const gradientsAt = new Map(); // node → [[step, lines]...]
  data.steps.forEach((step, index) => {
    if (step.phase === "forward" && step.node) forwardAt.set(step.node, index);
    if (step.edge !== undefined) backwardAt.set(step.edge, index);
    if (step.gradient) {
      if (!gradientsAt.has(step.node)) gradientsAt.set(step.node, []);
      gradientsAt.get(step.node).push([index, step]);
    }
  });
  const next = new Map(data.nodes.map((node) => [node.id, []]));
  const before = new Map(data.nodes.map((node) => [node.id, []]));
  for (const edge of data.edges) {
    next.get(edge.from).push(edge.to);
    before.get(edge.to).push(edge.from);
  }

  function reach(start, ways) {
    const found = new Set(start);
    const open = [...start];
    while (open.length) {
      for (const other of ways.get(open.pop())) {
        if (!found.has(other)) {
          found.add(other);
          open.push(other);
        }
      }
    }
    return found;
  }

  // What is visible: nodes, and folded groups in the place of what is in them ---------------------------------

  let scene; // {items, edges, groups, represents(id), plan}

  function lineage(node) {
    const found = [];
    for (let id = node.group; id; id = groups.get(id).parent) found.unshift(id);
    return found;
  }

  function makeScene() {
    let shown = new Set(nodes.keys());
    if (state.only) {
      const after = reach([state.only], next);
      const leads = reach(data.nodes.filter((node) => node.target).map((node) => node.id), before);
      shown = new Set([...after].filter((id) => leads.has(id)));
    }
    const represents = new Map();
    const items = new Map();
    const open = new Map();
    for (const node of data.nodes) {
      if (!shown.has(node.id)) continue;
      const above = lineage(node);
      const closed = above.findIndex((id) => folded.has(id));
      const id = closed < 0 ? node.id : above[closed];
      represents.set(node.id, id);
      if (!items.has(id)) items.set(id, { id, members: [], group: closed < 0 ? null : groups.get(id) });
      items.get(id).members.push(node);
      const parents = closed < 0 ? above : above.slice(0, closed);
      items.get(id).parent = parents[parents.length - 1] || null;
      parents.forEach((group) => open.set(group, groups.get(group)));
    }
    const edges = new Map();
    data.edges.forEach((edge, index) => {
      const from = represents.get(edge.from);
      const to = represents.get(edge.to);
      if (!from || !to || from === to) return;
      const key = items.get(from).group || items.get(to).group ? `${from}>${to}` : `${index}`;
      if (!edges.has(key)) edges.set(key, { key, from, to, parts: [] });
      edges.get(key).parts.push(index);
    });
    for (const item of items.values()) {
      item.exit = item.members[0];
      for (const node of item.members) {
        if (node.target || next.get(node.id).some((id) => represents.get(id) !== item.id)) item.exit = node;
      }
    }
    const plan = data.steps.flatMap((step, index) => {
      if (step.edge !== undefined) {
        const edge = data.edges[step.edge];
        const from = represents.get(edge.from);
        return from && represents.has(edge.to) && from !== represents.get(edge.to) ? [index] : [];
      }
      if (!step.node) return [index];
      const item = items.get(represents.get(step.node));
      return item && (!item.group || item.exit.id === step.node) ? [index] : [];
    });
    scene = { items, edges, open, represents, plan };
  }

  function describe(item) {
    const node = item.exit;
    const lines = [];
    const add = (kind, text) => lines.push({ kind, text: cut(text, kind === "meta" ? 44 : 38) });
    if (item.group) {
      const count = item.members.filter((member) => member.formula).length;
      add("name", item.group.name);
      add("meta", `${count} operation${count === 1 ? "" : "s"} → ${node.shape} ${node.dtype}`);
    } else {
      add("name", node.name);
      if (node.formula) add("formula", node.formula);
      if (node.details) add("meta", node.details);
      add("meta", `${node.shape} ${node.dtype}`);
    }
    (node.value || []).slice(0, 4).forEach((text) => text !== node.name && add("value", text));
    if (node.value_warning) add("alarm", `⚠ ${node.value_warning}`);
    const rows = node.state === "computed" ? Math.max(1, Math.min(4, (node.gradient || []).length)) : 0;
    for (let n = 0; n < rows; n++) add("gradient", "");
    if (node.gradient_warning) add("alarm", `⚠ ${node.gradient_warning}`);
    const texts = (gradientsAt.get(node.id) || []).flatMap(([, step]) => gradientLines(node, step));
    let wide = rows ? width("∇ not computed", "gradient") : 0;
    for (const line of lines) wide = Math.max(wide, width(line.text, fonts[line.kind] ? line.kind : "value"));
    for (const text of texts) wide = Math.max(wide, width(cut(text, 38), "gradient"));
    item.lines = lines;
    item.width = Math.ceil(Math.max(wide, 44)) + (node.kind === "input" && !item.group ? 44 : 28);
    item.height = lines.reduce((sum, line) => sum + (HEIGHTS[line.kind] || 18), 0) + 16;
  }

  function gradientLines(node, step) {
    if (step.accumulates && step.accumulates.includes("=")) return [`∇ ${step.accumulates}`];
    return step.gradient.slice(0, 4).map((text, n) => (n ? `  ${text}` : `∇ ${text}`));
  }

  // Layout -----------------------------------------------------------------------------------------------------

  function layoutOf(down) {
    const edges = [...scene.edges.values()].map((edge) => {
      edge.label = edge.parts.map((part) => data.edges[part].label).filter(Boolean)[0] || "";
      edge.isWide = edge.label.includes("→");
      const wide = edge.label ? width(edge.label, edge.isWide ? "wide" : "label") + 16 : 0;
      return { key: edge.key, from: edge.from, to: edge.to, width: wide, height: edge.label ? 22 : 0 };
    });
    const gaps = down ? { gap: 34, edgeGap: 22, rankGap: 34 } : { gap: 26, edgeGap: 22, rankGap: 44 };
    return layOut({ items: [...scene.items.values()], groups: [...scene.open.values()], edges, down, ...gaps });
  }

  function bestLayout() {
    for (const item of scene.items.values()) describe(item);
    const stage = $("stage").getBoundingClientRect();
    const scale = (laid) => Math.min(stage.width / laid.width, stage.height / laid.height);
    const down = layoutOf(true);
    if (scene.items.size > MANY) return down;
    const across = layoutOf(false);
    return scale(across) > scale(down) ? across : down;
  }

  /** A smooth line through the points of an edge: a B-spline that begins and ends where they do. */
  function curve(points) {
    const p = [points[0], ...points, points[points.length - 1]];
    const at = (a, b, c) => `${((a.x * 1 + b.x * 4 + c.x) / 6).toFixed(1)},${((a.y + b.y * 4 + c.y) / 6).toFixed(1)}`;
    const mix = (a, b, t) => `${(a.x + (b.x - a.x) * t).toFixed(1)},${(a.y + (b.y - a.y) * t).toFixed(1)}`;
    let path = `M${points[0].x.toFixed(1)},${points[0].y.toFixed(1)}`;
    if (points.length < 3) return `${path}L${mix(points[0], points[points.length - 1], 1)}`;
    for (let n = 1; n < p.length - 1; n++) {
      const end = n === p.length - 2 ? mix(p[n], p[n], 0) : at(p[n - 1], p[n], p[n + 1]);
      if (n === 1) path += `L${at(p[1], p[1], p[2])}`;
      else path += `C${mix(p[n - 1], p[n], 1 / 3)} ${mix(p[n - 1], p[n], 2 / 3)} ${end}`;
    }
    return path;
  }

  function outline(item) {
    const [w, h] = [item.width, item.height];
    const [x, y] = [-w / 2, -h / 2];
    const node = item.exit;
    if (item.group || node.kind === "layer") {
      return [
        svg("rect", { class: "behind", x: x + 5, y: y - 5, width: w, height: h, rx: 8 }),
        svg("rect", { class: "shape", x, y, width: w, height: h, rx: 8 }),
      ];
    }
    if (node.kind === "input") {
      return [svg("path", { class: "shape", d: `M${x + 12},${y}H${x + w}L${x + w - 12},${y + h}H${x}Z` })];
    }
    const rx = { parameter: Math.min(22, h / 2), constant: 2 }[node.kind] || 7;
    const shapes = [svg("rect", { class: "shape", x, y, width: w, height: h, rx })];
    if (node.target) shapes.push(svg("rect", { class: "inner", x: x + 4, y: y + 4, width: w - 8, height: h - 8, rx: 4 }));
    return shapes;
  }

  // Drawing ----------------------------------------------------------------------------------------------------

  function draw() {
    makeScene();
    const laid = bestLayout();
    scene.size = laid;
    const layers = { groups: svg("g"), edges: svg("g"), nodes: svg("g") };
    const byLevel = [...scene.open.values()].sort((a, b) => depth(a) - depth(b));
    for (const group of byLevel) layers.groups.append(drawGroup(group, laid.groups.get(group.id)));
    for (const edge of scene.edges.values()) layers.edges.append(drawEdge(edge, laid.edges.get(edge.key)));
    for (const item of scene.items.values()) layers.nodes.append(drawItem(item, laid.items.get(item.id)));
    $("viewport").replaceChildren(...Object.values(layers));
    const { plan } = scene;
    $("slider").max = plan.length - 1;
    const forward = plan.filter((index) => data.steps[index].phase === "forward").length;
    const halves = $("halves").children;
    halves[0].style.flex = `${forward} 0 0`;
    halves[1].style.flex = `${plan.length - forward} 0 0`;
    if (!state.moved) fit();
  }

  const depth = (group) => (group.parent ? 1 + depth(groups.get(group.parent)) : 0);

  function drawGroup(group, { x, y, width: wide, height }) {
    const label = svg("text", { x: x + 10, y: y + 18 }, `− ${group.name}`);
    const title = svg("g", { class: "title" }, svg("rect", { x, y, width: wide, height: 24, fill: "transparent" }), label);
    const attributes = { class: "group", tabindex: 0, role: "button", "aria-expanded": "true", "data-id": group.id, "aria-label": `Layer ${group.name}: fold` };
    const element = svg("g", attributes, svg("rect", { class: "frame", x, y, width: wide, height, rx: 10 }), title);
    title.addEventListener("click", () => fold(group.id, true));
    element.addEventListener("keydown", (event) => activate(event, () => fold(group.id, true)));
    return element;
  }

  function drawEdge(edge, laid) {
    const { points } = laid;
    const element = svg("g", { class: "edge", "data-parts": edge.parts.join(" ") });
    if (edge.parts.every((part) => data.edges[part].faint)) element.classList.add("faint");
    if (edge.isWide) element.classList.add("wide");
    element.append(
      svg("path", { class: "way", d: curve(points), "marker-end": "url(#tip)" }),
      svg("path", { class: "return", d: curve([...points].reverse()), "marker-end": "url(#tip-back)" }),
    );
    if (edge.label) {
      const wide = width(edge.label, edge.isWide ? "wide" : "label") + 6;
      const plate = svg("rect", { class: "plate", x: laid.x - wide / 2, y: laid.y - 10, width: wide, height: 20, rx: 5 });
      element.append(plate, svg("text", { x: laid.x, y: laid.y + 5 }, edge.label));
    }
    edge.element = element;
    return element;
  }

  function drawItem(item, place) {
    const node = item.exit;
    const kind = item.group ? "layer" : node.kind;
    const attributes = { class: `node ${kind}`, transform: `translate(${place.x},${place.y})`, tabindex: 0, role: "button", "data-id": item.id };
    const element = svg("g", attributes, ...outline(item));
    if (node.target) element.classList.add("target");
    if (item.members.every((member) => member.faint)) element.classList.add("faint");
    if (node.value_warning) element.classList.add("alarm");
    element.append(svg("rect", { class: "ring", x: -item.width / 2 - 6, y: -item.height / 2 - 6, width: item.width + 12, height: item.height + 12, rx: 12 }));
    item.gradients = [];
    let y = -item.height / 2 + 8;
    for (const line of item.lines) {
      y += HEIGHTS[line.kind] || 18;
      const text = svg("text", { class: line.kind === "alarm" ? "value alarm" : line.kind, y: y - 5, "text-anchor": "middle" }, line.text);
      if (line.kind === "value" || line.kind === "gradient") text.setAttribute("xml:space", "preserve");
      if (line.kind === "gradient") item.gradients.push(text);
      element.append(text);
    }
    const badge = svg("g", { class: "badge", transform: `translate(${item.width / 2 - 4},${-item.height / 2 + 4})` });
    badge.append(svg("g", {}, svg("circle", { r: 12 }), svg("text", { y: 5 }, "+")));
    element.append(badge, svg("title", {}, item.group ? `${item.group.name}: unfold` : node.name));
    const open = () => (item.group ? fold(item.id, false) : choose(item.id));
    element.addEventListener("click", () => !dragged && open());
    element.addEventListener("keydown", (event) => activate(event, open));
    item.element = element;
    item.place = place;
    return element;
  }

  function activate(event, action) {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  // Showing a step ---------------------------------------------------------------------------------------------

  function show() {
    const { plan } = scene;
    state.at = Math.max(0, Math.min(state.at, plan.length - 1));
    const now = plan[state.at];
    const step = data.steps[now];
    const isBack = step.phase === "backward";
    const edgeNow = step.edge !== undefined ? data.edges[step.edge] : null;
    for (const item of scene.items.values()) showItem(item, now, step, isBack);
    for (const edge of scene.edges.values()) {
      const list = edge.element.classList;
      const active = edge.parts.includes(step.edge);
      const enters = !isBack && step.node && scene.represents.get(step.node) === edge.to;
      list.toggle("back", active);
      list.toggle("forward", Boolean(enters));
      list.toggle("returned", edge.parts.some((part) => backwardAt.get(part) <= now));
      edge.element.firstChild.setAttribute("marker-end", enters ? "url(#tip-forward)" : "url(#tip)");
    }
    document.body.classList.toggle("backward", isBack);
    $("slider").value = state.at;
    $("slider").setAttribute("aria-valuetext", `step ${state.at + 1} of ${plan.length}: ${step.title}`);
    $("count").textContent = `${state.at + 1} / ${plan.length}`;
    $("phase").textContent = isBack ? "Backward" : "Forward";
    $("title").textContent = step.title;
    $("say").replaceChildren(...step.lines.map((line) => html("p", { class: "say" }, line)));
    const box = [];
    if (step.accumulates) {
      box.push(html("b", {}, `${nodes.get(step.node).name} accumulates`), html("span", {}, step.accumulates));
    } else if (step.waits) box.push(html("b", {}, "More will be added"), html("span", {}, step.waits));
    $("accumulates").replaceChildren(...box);
    if (edgeNow || step.node) keepInSight(scene.items.get(scene.represents.get(step.node)));
    details();
    if (state.at === plan.length - 1) pause();
  }

  function showItem(item, now, step, isBack) {
    const node = item.exit;
    const list = item.element.classList;
    const computed = forwardAt.has(node.id) ? forwardAt.get(node.id) <= now : true;
    const isHere = step.node !== undefined && scene.represents.get(step.node) === item.id;
    list.toggle("pending", !computed);
    list.toggle("forward", isHere && !isBack);
    list.toggle("back", isHere && isBack);
    list.toggle("sums", isHere && Boolean(step.accumulates));
    list.toggle("chosen", state.chosen === item.id);
    const known = (gradientsAt.get(node.id) || []).filter(([index]) => index <= now);
    const last = known.length ? known[known.length - 1] : null;
    const isSum = last && last[0] === now;
    const lines = !last ? ["∇ not computed"] : gradientLines(node, isSum ? last[1] : { gradient: last[1].gradient });
    item.gradients.forEach((text, n) => {
      text.textContent = cut(lines[n] || "", 38);
      text.classList.toggle("quiet", !last);
    });
    const told = last ? `gradient ${last[1].gradient.join(", ")}` : "gradient not computed";
    const name = item.group ? `Layer ${item.group.name}: unfold` : node.name;
    item.element.setAttribute("aria-label", `${name}. ${computed ? (node.value || []).join(", ") : "not computed yet"}. ${told}`);
  }

  function details() {
    const node = nodes.get(state.chosen);
    $("details").hidden = !node;
    if (!node) return;
    const now = scene.plan[state.at];
    const computed = !forwardAt.has(node.id) || forwardAt.get(node.id) <= now;
    const known = (gradientsAt.get(node.id) || []).filter(([index]) => index <= now);
    const isComplete = known.length === (gradientsAt.get(node.id) || []).length && known.length > 0;
    const list = html("dl", {});
    const row = (name, ...values) => values.length && list.append(html("dt", {}, name), html("dd", {}, ...values));
    const kind = { operation: "operation", parameter: "parameter", input: "input", constant: "constant", layer: "layer" }[node.kind];
    row("is", `${node.target ? "the target, an " : ""}${kind}${node.operation && node.operation !== node.name ? `: ${node.operation}` : ""}`);
    row("shape", `${node.shape}  ${node.dtype}`);
    if (node.formula) row("formula", html("span", { class: "math" }, node.formula));
    if (node.arithmetic && computed) row("numbers", html("span", { class: "math" }, node.arithmetic));
    const figures = (text, id) => html("div", { class: "figures", id }, text);
    const alarm = (text) => (text ? [html("div", { class: "alarm" }, `⚠ ${text}`)] : []);
    if (!computed) row("value", figures("not computed yet", "value"));
    else {
      const text = node.value_exact || (node.value || []).join("\n");
      row("value", figures(text, "value"), ...alarm(node.value_warning), ...bars(node.value_histogram, "value"));
    }
    if (node.state !== "computed") row("gradient", figures("none flows here", "gradient"));
    else if (!known.length) row("gradient", figures("not computed", "gradient"));
    else {
      const part = known[known.length - 1][1].gradient.join("\n");
      const text = isComplete ? node.gradient_exact || part : `${part}\n(so far)`;
      const whole = isComplete ? [...alarm(node.gradient_warning), ...bars(node.gradient_histogram, "gradient")] : [];
      row("gradient", figures(text, "gradient"), ...whole);
    }
    for (const rule of node.rules || []) {
      const parts = [];
      if (rule.rule) parts.push(html("div", { class: "math" }, rule.rule));
      if (rule.code) parts.push(html("code", {}, rule.code));
      row(`to ${cut(rule.argument, 14)}`, ...parts);
    }
    const legend = (node.rules || []).length ? [html("p", { class: "hint" }, `The rules give the gradient of each argument; g is the gradient of ${node.name}, y its value.`)] : [];
    $("details").replaceChildren(html("h2", {}, node.name), list, ...legend);
  }

  function bars(histogram, kind) {
    if (!histogram) return [];
    const [counts, low, high] = histogram;
    const most = Math.max(...counts);
    const picture = svg("svg", { viewBox: `0 0 ${counts.length} 1`, preserveAspectRatio: "none", role: "img", "aria-label": `histogram of the ${kind}`, class: `bars-${kind}` });
    counts.forEach((count, n) => picture.append(svg("rect", { x: n + 0.06, y: 1 - count / most, width: 0.88, height: count / most })));
    const number = (value) => html("span", {}, String(Number(value.toPrecision(3))));
    return [html("figure", {}, picture, html("figcaption", {}, number(low), number(high)))];
  }

  // Acting -----------------------------------------------------------------------------------------------------

  function go(to) {
    state.at = to;
    show();
  }
  function choose(id) {
    state.chosen = state.chosen === id ? null : id;
    show();
  }
  function redraw(focusOn) {
    const now = scene.plan[state.at];
    draw();
    const at = scene.plan.findIndex((index) => index >= now);
    state.at = at < 0 ? scene.plan.length - 1 : at;
    show();
    const target = focusOn && [...$("viewport").querySelectorAll("[data-id]")].find((e) => e.dataset.id === focusOn);
    if (target) target.focus({ preventScroll: true });
  }
  function fold(id, close) {
    if (close) folded.add(id);
    else folded.delete(id);
    state.moved = false;
    redraw(id);
  }
  function foldAll() {
    const outermost = data.groups.filter((group) => !group.parent);
    const close = !outermost.every((group) => folded.has(group.id));
    for (const group of close ? outermost : data.groups) close ? folded.add(group.id) : folded.delete(group.id);
    state.moved = false;
    redraw();
  }
  function play() {
    if (state.timer) return pause();
    if (state.at === scene.plan.length - 1) go(0);
    state.timer = setInterval(() => go(state.at + 1), Number($("speed").value));
    $("play").textContent = "Pause";
  }
  function pause() {
    clearInterval(state.timer);
    state.timer = null;
    $("play").textContent = "Play";
  }

  // Zoom and pan -----------------------------------------------------------------------------------------------

  function place() {
    const { x, y, k } = state.view;
    $("viewport").setAttribute("transform", `translate(${x},${y}) scale(${k})`);
  }
  /** Show the whole graph; where it would be too small to read, as much of it as is readable. */
  function fit(event) {
    const stage = $("stage").getBoundingClientRect();
    const { width: w, height: h } = scene.size;
    const room = stage.height - 34; // above the legend
    const least = event ? 0.05 : READABLE;
    const k = Math.max(least, Math.min(1.7, (stage.width - 20) / w, room / h));
    state.view = { k, x: (stage.width - w * k) / 2, y: Math.max(0, (room - h * k) / 2) };
    if (w * k > stage.width) state.view.x = 10;
    state.moved = Boolean(event);
    place();
  }
  function zoom(factor, x, y) {
    const stage = $("stage").getBoundingClientRect();
    const [cx, cy] = [x ?? stage.width / 2, y ?? stage.height / 2];
    const k = Math.max(0.05, Math.min(6, state.view.k * factor));
    const ratio = k / state.view.k;
    state.view = { k, x: cx - (cx - state.view.x) * ratio, y: cy - (cy - state.view.y) * ratio };
    state.moved = true;
    place();
  }
  function pan(dx, dy) {
    state.view.x += dx;
    state.view.y += dy;
    state.moved = true;
    place();
  }
  function keepInSight(item) {
    if (!item) return;
    const stage = $("stage").getBoundingClientRect();
    const { x, y, k } = state.view;
    const [cx, cy] = [x + item.place.x * k, y + item.place.y * k];
    const [w, h] = [(item.width * k) / 2, (item.height * k) / 2];
    const isOut = cx - w < 0 || cx + w > stage.width || cy - h < 0 || cy + h > stage.height;
    if (!isOut || 2 * w > stage.width || 2 * h > stage.height) return;
    const moved = state.moved; // the reader's, not the page's
    pan(stage.width / 2 - cx, stage.height / 2 - cy);
    state.moved = moved;
  }

  let dragged = false;
  let from = null;
  const graph = $("graph");
  graph.addEventListener("pointerdown", (event) => {
    from = { x: event.clientX, y: event.clientY };
    dragged = false;
  });
  addEventListener("pointermove", (event) => {
    if (!from) return;
    const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
    if (!dragged && Math.hypot(dx, dy) < 4) return;
    dragged = true;
    graph.classList.add("dragging");
    from = { x: event.clientX, y: event.clientY };
    pan(dx, dy);
  });
  addEventListener("pointerup", () => {
    from = null;
    graph.classList.remove("dragging");
  });
  graph.addEventListener("wheel", (event) => {
    event.preventDefault();
    const stage = graph.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 400), event.clientX - stage.left, event.clientY - stage.top);
  }, { passive: false });

  // Keyboard and controls --------------------------------------------------------------------------------------

  const keys = {
    ArrowRight: () => go(state.at + 1),
    ArrowLeft: () => go(state.at - 1),
    Home: () => go(0),
    End: () => go(scene.plan.length - 1),
    " ": play,
    "+": () => zoom(1.25),
    "=": () => zoom(1.25),
    "-": () => zoom(0.8),
    0: () => fit(true),
    f: foldAll,
    d: () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"),
    Escape: () => state.chosen && choose(state.chosen),
    "?": () => $("help").showModal(),
  };
  const pans = { ArrowRight: [-60, 0], ArrowLeft: [60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
    if (event.target.tagName === "SELECT" || (event.key === " " && event.target.tagName === "BUTTON")) return;
    if (event.shiftKey && pans[event.key]) pan(...pans[event.key]);
    else if (keys[event.key]) {
      if (event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End") pause();
      keys[event.key]();
    } else return;
    event.preventDefault();
  });

  function theme(name) {
    document.documentElement.dataset.theme = name;
  }
  const dark = matchMedia("(prefers-color-scheme: dark)");
  theme(dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => theme(dark.matches ? "dark" : "light"));

  for (const [id, action] of Object.entries({
    first: () => go(0),
    previous: () => go(state.at - 1),
    next: () => go(state.at + 1),
    last: () => go(scene.plan.length - 1),
  })) {
    $(id).addEventListener("click", () => {
      pause();
      action();
    });
  }
  $("play").addEventListener("click", play);
  $("slider").addEventListener("input", (event) => go(Number(event.target.value)));
  $("speed").addEventListener("change", () => state.timer && (pause(), play()));
  $("zoom-in").addEventListener("click", () => zoom(1.25));
  $("zoom-out").addEventListener("click", () => zoom(0.8));
  $("fit").addEventListener("click", () => fit(true));
  $("fold").addEventListener("click", foldAll);
  $("fold").hidden = !data.groups.length;
  $("theme").addEventListener("click", keys.d);
  $("keys").addEventListener("click", keys["?"]);
  const parameters = data.nodes.filter((node) => node.kind === "parameter" && !node.faint);
  for (const node of parameters) $("only").append(html("option", { value: node.id }, cut(node.name, 40)));
  $("only").addEventListener("change", (event) => {
    state.only = event.target.value;
    state.chosen = null;
    state.moved = false;
    redraw();
  });
  addEventListener("resize", () => !state.moved && redraw());

  draw();
  show();
})();
