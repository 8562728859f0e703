// A layered layout: where to put boxes that are connected by arrows, some of them inside frames.
//
// Five steps, each a function below (Sugiyama, Tagawa and Toda, 1981): give every box a rank, so that arrows lead from
// lower to higher ranks; cut long arrows into pieces of one rank each; order every rank by the mean position of the
// neighbours, which removes most crossings; move the boxes along their ranks until the arrows are as straight as the
// order allows; and read off the frames. Frames stay apart because their borders take part in the last two steps.
"use strict";
// eslint-disable-next-line no-unused-vars
const layOut = (() => {
  const SWEEPS = 12; // of ordering, there and back
  const ROUNDS = 10; // of straightening
  const LONG = 6; // ranks: edges over more, from one box, share their way until just before they end
  const PAD = 10; // between a frame and what is in it
  const TITLE = 26; // the same above, where its title stands

  const push = (map, key, value) => (map.has(key) ? map.get(key).push(value) : map.set(key, [value]));
  const mean = (numbers) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

  // Ranks ------------------------------------------------------------------------------------------------------

  /** Give each edge a tail and a head so that no circle is left: an edge that would close one is turned round. */
  function breakCircles(items, edges) {
    const out = new Map(items.map((item) => [item.id, []]));
    for (const edge of edges) out.get(edge.from).push(edge);
    const isDone = new Map();
    for (const { id: root } of items) {
      const stack = isDone.has(root) ? [] : [[root, 0]];
      isDone.set(root, isDone.get(root) || false);
      while (stack.length) {
        const top = stack[stack.length - 1];
        const edge = out.get(top[0])[top[1]++];
        if (!edge) isDone.set(stack.pop()[0], true);
        else if (!isDone.has(edge.to)) {
          isDone.set(edge.to, false);
          stack.push([edge.to, 0]);
        } else if (!isDone.get(edge.to)) edge.turned = true;
      }
    }
    for (const edge of edges) [edge.tail, edge.head] = edge.turned ? [edge.to, edge.from] : [edge.from, edge.to];
  }

  /** What keeps frames one after another: all that is in a frame lies before whatever the frame leads to. */
  function framesInTurn(items, edges, parents) {
    const found = [];
    const frames = new Map(items.map((item) => [item.id, around(item.parent, parents)]));
    const [begin, end] = [(id) => `begin ${id}`, (id) => `end ${id}`];
    for (const { id } of items) {
      for (const frame of frames.get(id)) found.push([begin(frame), id, 0], [id, end(frame), 0]);
    }
    for (const { tail, head } of edges) {
      const [from, to] = [frames.get(tail), frames.get(head)];
      let shared = 0;
      while (shared < from.length && from[shared] === to[shared]) shared++;
      const [a, b] = [from[shared], to[shared]];
      if (a !== undefined || b !== undefined) found.push([a === undefined ? tail : end(a), b === undefined ? head : begin(b), 1]);
    }
    return found;
  }

  /** All that is named in `ways`, each after what must be before it; null if there is a circle. */
  function topological(names, ways) {
    const after = new Map(names.map((name) => [name, []]));
    const waiting = new Map(names.map((name) => [name, 0]));
    for (const [from, to] of ways) {
      for (const name of [from, to]) if (!after.has(name)) after.set(name, []), waiting.set(name, 0);
      after.get(from).push(to);
      waiting.set(to, waiting.get(to) + 1);
    }
    const order = [...after.keys()].filter((name) => !waiting.get(name));
    for (const name of order) {
      for (const other of after.get(name)) {
        waiting.set(other, waiting.get(other) - 1);
        if (!waiting.get(other)) order.push(other);
      }
    }
    return order.length === after.size ? order : null;
  }

  /** The rank of every item: at least `length` more than those before it, and as near as can be to both sides. */
  function ranksOf(items, edges, parents, length) {
    const names = items.map((item) => item.id);
    const arrows = edges.map((edge) => [edge.tail, edge.head, length]);
    let ways = [...arrows, ...framesInTurn(items, edges, parents)];
    let order = topological(names, ways);
    if (!order) [ways, order] = [arrows, topological(names, arrows)]; // a way leads out of a frame and back into it
    const before = new Map(order.map((name) => [name, []]));
    const after = new Map(order.map((name) => [name, []]));
    for (const [from, to, far] of ways) {
      before.get(to).push([from, far]);
      after.get(from).push([to, far]);
    }
    const rank = new Map();
    const earliest = (name) => Math.max(0, ...before.get(name).map(([other, far]) => rank.get(other) + far));
    const latest = (name) => Math.min(...after.get(name).map(([other, far]) => rank.get(other) - far));
    for (const name of order) rank.set(name, earliest(name));
    const pulls = new Map(names.map((name) => [name, 0])); // arrows out, less those in from what would come along
    const uses = new Map();
    for (const { tail } of edges) push(uses, tail, 1);
    const hasInputs = new Set(edges.map((edge) => edge.head));
    for (const { tail, head } of edges) {
      pulls.set(tail, pulls.get(tail) + 1);
      if (hasInputs.has(tail) || uses.get(tail).length > 1) pulls.set(head, pulls.get(head) - 1);
    }
    for (let n = 0, moved = true; moved && n < 20; n++) {
      moved = false;
      for (const name of n % 2 ? order : [...order].reverse()) {
        const isLate = pulls.has(name) ? pulls.get(name) >= 0 : name.startsWith("begin ");
        const to = isLate && after.get(name).length ? latest(name) : earliest(name);
        if (to !== rank.get(name)) {
          rank.set(name, to);
          moved = true;
        }
      }
    }
    return rank;
  }

  /** The frames around something, the outermost first. */
  function around(id, parents) {
    const found = [];
    for (; id; id = parents.get(id)) found.unshift(id);
    return found;
  }

  // Elements: items, and the pieces of long edges -----------------------------------------------------------------

  function elementsOf(graph, rank, parents) {
    const least = Math.min(...graph.items.map((item) => rank.get(item.id)));
    const elements = [];
    const byItem = new Map();
    const add = (at, size, thick, frames, gap) => {
      const element = { rank: at, size, thick, frames, gap, up: [], down: [], x: 0 };
      elements.push(element);
      return element;
    };
    const link = (a, b) => {
      const weight = [1, 2, 8][Number(!a.item) + Number(!b.item)]; // long edges are to be straight
      a.down.push([b, weight]);
      b.up.push([a, weight]);
    };
    for (const item of graph.items) {
      const [size, thick] = graph.down ? [item.width, item.height] : [item.height, item.width];
      const element = add(rank.get(item.id) - least, size, thick, around(item.parent, parents), graph.gap);
      element.item = item;
      byItem.set(item.id, element);
    }
    const trunks = new Map(); // the pieces that long edges from one item share
    for (const edge of graph.edges) {
      const [tail, head] = [byItem.get(edge.tail), byItem.get(edge.head)];
      const shared = tail.frames.filter((id, n) => head.frames[n] === id);
      const isLong = head.rank - tail.rank > LONG;
      const labelAt = isLong ? head.rank - 1 : Math.floor((tail.rank + head.rank) / 2);
      const key = [edge.tail, ...shared].join(" ");
      if (isLong && !trunks.has(key)) trunks.set(key, []);
      const [wide, high] = graph.down ? [edge.width, edge.height] : [edge.height, edge.width];
      edge.chain = [tail];
      for (let at = tail.rank + 1; at < head.rank; at++) {
        const isLabel = at === labelAt && edge.width > 0;
        const trunk = isLong && at < head.rank - 1 ? trunks.get(key) : [];
        const last = edge.chain[edge.chain.length - 1];
        const known = trunk[at];
        const piece = known || add(at, isLabel ? wide : 0, isLabel ? high : 0, shared, graph.edgeGap);
        if (!known) link(last, piece);
        if (isLabel) edge.labelled = piece;
        trunk[at] = piece;
        edge.chain.push(piece);
      }
      link(edge.chain[edge.chain.length - 1], head);
      edge.chain.push(head);
    }
    return { elements, byItem };
  }

  /** In each rank that a frame spans without having anything there, an element that holds its place. */
  function holdPlaces(elements, parents) {
    const spans = new Map();
    for (const { frames, rank } of elements) {
      for (const id of frames) {
        if (!spans.has(id)) spans.set(id, new Set());
        spans.get(id).add(rank);
      }
    }
    for (const [id, ranks] of spans) {
      const last = Math.max(...ranks);
      for (let at = Math.min(...ranks); at <= last; at++) {
        if (ranks.has(at)) continue;
        elements.push({ rank: at, size: 0, thick: 0, frames: around(id, parents), gap: 0, up: [], down: [], x: 0 });
      }
    }
  }

  // Order within ranks ---------------------------------------------------------------------------------------------

  /** The distance that two neighbours of a rank keep, borders of frames between them included. */
  function distance(a, b, pads) {
    let shared = 0;
    while (shared < a.frames.length && a.frames[shared] === b.frames[shared]) shared++;
    const borders = (a.frames.length - shared) * pads.end + (b.frames.length - shared) * pads.start;
    return (a.size + b.size) / 2 + Math.max(a.gap, b.gap, (a.gap + b.gap) / 2) + borders;
  }

  function packed(row, pads) {
    let x = 0;
    row.forEach((element, n) => {
      x += n ? distance(row[n - 1], element, pads) : 0;
      element.x = x;
    });
    for (const element of row) element.x -= x / 2;
  }

  function crossings(rows) {
    let count = 0;
    for (const row of rows) {
      row.forEach((element, n) => (element.at = n));
    }
    for (const row of rows.slice(1)) {
      const tree = new Array((row.length ? Math.max(0, ...row.flatMap(({ up }) => up.map(([e]) => e.at))) : 0) + 2).fill(0);
      let total = 0;
      for (const element of row) {
        const places = element.up.map(([other]) => other.at);
        for (const place of places) {
          let upTo = 0; // edges that end to the left of this one, and begin at or left of it
          for (let n = place + 1; n > 0; n -= n & -n) upTo += tree[n];
          count += total - upTo;
        }
        for (const place of places) for (let n = place + 1; n < tree.length; n += n & -n) tree[n]++;
        total += places.length;
      }
    }
    return count;
  }

  /** One rank sorted by `key`; what is in a frame stays together, and frames keep one order in all ranks. */
  function sorted(row, key, frameKey, level = 0) {
    const inside = new Map();
    const children = [];
    for (const element of row) {
      const frame = element.frames[level];
      if (frame === undefined) children.push([key(element), [element]]);
      else if (inside.has(frame)) inside.get(frame).push(element);
      else {
        inside.set(frame, [element]);
        children.push([frameKey.get(frame), inside.get(frame), true]);
      }
    }
    children.sort((a, b) => a[0] - b[0]);
    return children.flatMap(([, part, isFrame]) => (isFrame ? sorted(part, key, frameKey, level + 1) : part));
  }

  function ordered(elements, pads) {
    let rows = [];
    for (const element of elements) (rows[element.rank] ||= []).push(element);
    rows = Array.from(rows, (row) => row || []);
    const frameKeys = () => {
      const found = new Map();
      for (const { frames, x } of elements) for (const id of frames) push(found, id, x);
      return new Map([...found].map(([id, places]) => [id, mean(places)]));
    };
    rows.forEach((row) => packed(row, pads));
    rows = rows.map((row) => sorted(row, (element) => element.x, frameKeys()));
    rows.forEach((row) => packed(row, pads));
    let best = { count: Infinity };
    for (let n = 0; n <= SWEEPS; n++) {
      const keys = frameKeys();
      const side = n % 2 ? "down" : "up";
      for (const at of n % 2 ? [...rows.keys()].reverse() : rows.keys()) {
        const places = new Map(
          rows[at].map((element) => {
            const near = element[side].map(([other]) => other.x);
            return [element, near.length ? mean(near) : element.x];
          }),
        );
        rows[at] = sorted(rows[at], (element) => places.get(element), keys);
        packed(rows[at], pads);
      }
      const count = crossings(rows);
      if (count < best.count) best = { count, rows: rows.map((row) => [...row]) };
      if (!count) break;
    }
    best.rows.forEach((row) => packed(row, pads));
    return best.rows;
  }

  // Places along the ranks -----------------------------------------------------------------------------------------

  /** The places nearest to `wanted` (least squares) at which neighbours keep their distance. */
  function place(row, wanted, weights, pads) {
    let shift = 0;
    const blocks = [];
    row.forEach((element, n) => {
      shift += n ? distance(row[n - 1], element, pads) : 0;
      element.shift = shift;
      let block = { sum: weights[n] * (wanted[n] - shift), weight: weights[n], from: n };
      while (blocks.length && blocks[blocks.length - 1].sum / blocks[blocks.length - 1].weight > block.sum / block.weight) {
        const left = blocks.pop();
        block = { sum: left.sum + block.sum, weight: left.weight + block.weight, from: left.from };
      }
      blocks.push(block);
    });
    blocks.forEach((block, n) => {
      const end = n + 1 < blocks.length ? blocks[n + 1].from : row.length;
      for (let k = block.from; k < end; k++) row[k].x = block.sum / block.weight + row[k].shift;
    });
  }

  function straighten(rows, pads) {
    for (let n = 0; n < 3 * ROUNDS; n++) {
      const sides = n < ROUNDS ? [n % 2 ? "down" : "up"] : ["up", "down"];
      for (const row of n % 2 ? [...rows].reverse() : rows) {
        const wanted = [];
        const weights = [];
        for (const element of row) {
          let [sum, weight] = [0.05 * element.x, 0.05];
          for (const side of sides) {
            for (const [other, w] of element[side]) [sum, weight] = [sum + w * other.x, weight + w];
          }
          wanted.push(sum / weight);
          weights.push(weight);
        }
        place(row, wanted, weights, pads);
      }
    }
  }

  /**
   * Keep frames free of what is not in them: each border is one number that all ranks share. What is too near is moved
   * to the right, and in another try to the left; between both, halfway, all distances are kept as well.
   */
  function separate(rows, pads, gap) {
    const borders = new Map();
    const border = (id, side) => {
      const key = `${side} ${id}`;
      if (!borders.has(key)) borders.set(key, { size: 0, isBorder: true });
      return borders.get(key);
    };
    const follows = new Map(); // what must be to the right of something, and how far
    const precedes = new Map();
    const need = (a, b, far) => {
      push(follows, a, [b, far]);
      push(precedes, b, [a, far]);
    };
    for (const row of rows) {
      let last = null;
      const step = (next, far) => {
        if (last) need(last, next, far);
        last = next;
      };
      row.forEach((element, n) => {
        const past = n ? row[n - 1].frames : [];
        let shared = 0;
        while (shared < past.length && past[shared] === element.frames[shared]) shared++;
        for (const id of past.slice(shared).reverse()) step(border(id, "right"), last.size / 2 + pads.end);
        const frames = element.frames.slice(shared);
        frames.forEach((id, k) => step(border(id, "left"), k ? pads.start : last ? last.size / 2 + gap : 0));
        if (!last || last.isBorder) step(element, (frames.length ? pads.start : gap) + element.size / 2);
        else step(element, distance(row[n - 1], element, pads));
      });
      if (row.length) for (const id of [...row[row.length - 1].frames].reverse()) step(border(id, "right"), last.size / 2 + pads.end);
    }
    const everything = [...rows.flat(), ...borders.values()];
    const settle = (ways, from, sign) => {
      const waiting = new Map(everything.map((v) => [v, (from.get(v) || []).length]));
      const ready = everything.filter((v) => !waiting.get(v));
      const found = new Map();
      while (ready.length) {
        const v = ready.pop();
        let x = v.isBorder ? -Infinity : sign * v.x;
        for (const [other, far] of from.get(v) || []) x = Math.max(x, found.get(other) + far);
        found.set(v, x);
        for (const [other] of ways.get(v) || []) {
          waiting.set(other, waiting.get(other) - 1);
          if (!waiting.get(other)) ready.push(other);
        }
      }
      return found;
    };
    const right = settle(follows, precedes, 1);
    const left = settle(precedes, follows, -1);
    for (const row of rows) for (const v of row) v.x = (right.get(v) - left.get(v)) / 2;
  }

  // Places of the ranks, and what is read off ---------------------------------------------------------------------------

  /** Where each rank begins, with room for the borders of the frames that begin or end there. */
  function placeRanks(rows, graph, pads) {
    const spans = new Map();
    for (const row of rows) {
      for (const { frames, rank } of row) {
        for (const id of frames) {
          const span = spans.get(id) || [rank, rank];
          spans.set(id, [Math.min(span[0], rank), Math.max(span[1], rank)]);
        }
      }
    }
    let at = 0;
    const ranks = rows.map((row, n) => {
      const count = (end) => Math.max(0, ...row.map(({ frames }) => frames.filter((id) => spans.get(id)[end] === n).length));
      const start = at + count(0) * pads.start;
      const thick = Math.max(0, ...row.map((element) => element.thick));
      at = start + thick + count(1) * pads.end + graph.rankGap;
      return { start, thick };
    });
    return { ranks, spans };
  }

  /** Where the line from the centre of a box to a point leaves the box. */
  function leaving(box, point) {
    const [dx, dy] = [point.x - box.x, point.y - box.y];
    if (!dx && !dy) return { x: box.x, y: box.y };
    const scale = Math.min(Math.abs(box.width / 2 / dx), Math.abs(box.height / 2 / dy));
    return { x: box.x + dx * scale, y: box.y + dy * scale };
  }

  /**
   * Lay out a graph.
   *
   * graph: {items: [{id, width, height, parent}], groups: [{id, parent}], edges: [{key, from, to, width, height}] (the
   * width and height of the label, or 0), down: whether arrows lead down or to the right, gap, edgeGap, rankGap}
   *
   * Returns {width, height, items: id → {x, y} of the centre, groups: id → {x, y, width, height} from the upper left
   * corner, edges: key → {points, x, y}, where x and y are the centre of the label}.
   */
  return (given) => {
    const edges = given.edges.map((edge) => ({ ...edge }));
    const hasLabels = edges.some((edge) => edge.width > 0);
    const graph = { ...given, edges, rankGap: hasLabels ? given.rankGap / 2 : given.rankGap };
    const parents = new Map(graph.groups.map((group) => [group.id, group.parent]));
    const across = graph.down ? { start: PAD, end: PAD } : { start: TITLE, end: PAD };
    const along = graph.down ? { start: TITLE, end: PAD } : { start: PAD, end: PAD };

    breakCircles(graph.items, edges);
    const rank = ranksOf(graph.items, edges, parents, hasLabels ? 2 : 1);
    const { elements, byItem } = elementsOf(graph, rank, parents);
    holdPlaces(elements, parents);
    const rows = ordered(elements, across);
    straighten(rows, across);
    separate(rows, across, graph.gap);
    const { ranks, spans } = placeRanks(rows, graph, along);

    const point = (x, y) => (graph.down ? { x, y } : { x: y, y: x });
    const centre = (element) => point(element.x, ranks[element.rank].start + ranks[element.rank].thick / 2);
    const items = new Map(graph.items.map(({ id }) => [id, centre(byItem.get(id))]));
    const box = ({ item }) => ({ ...items.get(item.id), width: item.width, height: item.height });
    const lines = new Map();
    for (const edge of edges) {
      const chain = edge.chain.slice(1, -1);
      const points = chain.flatMap((piece) => {
        const { start, thick } = ranks[piece.rank];
        return thick > 30 ? [point(piece.x, start), point(piece.x, start + thick)] : [centre(piece)];
      });
      const [tail, head] = [box(edge.chain[0]), box(edge.chain[edge.chain.length - 1])];
      points.unshift(leaving(tail, points[0] || head));
      points.push(leaving(head, points[points.length - 1] || tail));
      const label = edge.labelled;
      if (edge.turned) points.reverse();
      lines.set(edge.key, { points, ...(label ? centre(label) : points[points.length >> 1]) });
    }

    const deepest = [...graph.groups].sort((a, b) => around(b.id, parents).length - around(a.id, parents).length);
    const frames = new Map();
    for (const { id, parent } of deepest) {
      if (!spans.has(id)) continue;
      const frame = frames.get(id) || { left: Infinity, right: -Infinity, begin: Infinity, end: -Infinity };
      for (const row of rows.slice(spans.get(id)[0], spans.get(id)[1] + 1)) {
        for (const element of row) {
          if (element.frames[element.frames.length - 1] !== id || (!element.item && !element.size)) continue;
          const middle = ranks[element.rank].start + ranks[element.rank].thick / 2;
          frame.left = Math.min(frame.left, element.x - element.size / 2 - across.start);
          frame.right = Math.max(frame.right, element.x + element.size / 2 + across.end);
          frame.begin = Math.min(frame.begin, middle - element.thick / 2 - along.start);
          frame.end = Math.max(frame.end, middle + element.thick / 2 + along.end);
        }
      }
      frames.set(id, frame);
      if (parent) {
        const outer = frames.get(parent) || { left: Infinity, right: -Infinity, begin: Infinity, end: -Infinity };
        outer.left = Math.min(outer.left, frame.left - across.start);
        outer.right = Math.max(outer.right, frame.right + across.end);
        outer.begin = Math.min(outer.begin, frame.begin - along.start);
        outer.end = Math.max(outer.end, frame.end + along.end);
        frames.set(parent, outer);
      }
    }
    const groups = new Map();
    for (const [id, { left, right, begin, end }] of frames) {
      const [a, b] = [point(left, begin), point(right, end)];
      groups.set(id, { x: a.x, y: a.y, width: b.x - a.x, height: b.y - a.y });
    }

    return moved({ items, groups, edges: lines }, graph.items);
  };

  /** The same with its upper left corner at a small margin from the origin. */
  function moved(laid, sizes) {
    const margin = 16;
    const points = [...laid.edges.values()].flatMap((edge) => edge.points);
    const corners = [
      ...points,
      ...sizes.flatMap(({ id, width, height }) => {
        const { x, y } = laid.items.get(id);
        return [{ x: x - width / 2, y: y - height / 2 }, { x: x + width / 2, y: y + height / 2 }];
      }),
      ...[...laid.groups.values()].flatMap(({ x, y, width, height }) => [{ x, y }, { x: x + width, y: y + height }]),
    ];
    const low = { x: Infinity, y: Infinity };
    const high = { x: -Infinity, y: -Infinity };
    for (const { x, y } of corners) {
      [low.x, low.y] = [Math.min(low.x, x), Math.min(low.y, y)];
      [high.x, high.y] = [Math.max(high.x, x), Math.max(high.y, y)];
    }
    const shift = (place) => {
      place.x += margin - low.x;
      place.y += margin - low.y;
    };
    points.forEach(shift);
    [laid.items, laid.groups, laid.edges].forEach((places) => places.forEach(shift));
    return { ...laid, width: high.x - low.x + 2 * margin, height: high.y - low.y + 2 * margin };
  }
})();
