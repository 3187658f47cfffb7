// A grid of pictures: select, label by keys, look closer. Text of people's own is only ever set as text.
//
// What is done here goes into an outbox that is sent whole until the server says how far it has come: so nothing is lost
// or done twice however fast the keys come. Until then the tiles already show what will be.

const grids = new WeakMap()
const BAND_FROM = 6 // pixels of movement that make a click a drag
const PAUSE = 150 // milliseconds between two messages to the server
const MANY = 14 // more classes than this are chosen from a list

export default function ({ data, parentElement, setStateValue }) {
  let grid = grids.get(parentElement)
  if (!grid) {
    grid = new Grid(parentElement.querySelector(".fg-grid"))
    grids.set(parentElement, grid)
  }
  grid.send = (outbox) => setStateValue("outbox", outbox)
  grid.update(data)
  const turn = ++grid.turn
  return () => {
    if (turn !== grid.turn) return // an older run's: Streamlit calls it also when newer data overtook that run
    grid.close()
    grids.delete(parentElement)
  }
}

function make(tag, className, text) {
  const node = document.createElement(tag)
  if (className) node.className = className
  if (text !== undefined) node.textContent = text
  return node
}

function button(className, text, press, title) {
  const node = make("button", className, text)
  node.type = "button"
  if (title) node.title = title
  node.addEventListener("click", (event) => {
    event.stopPropagation()
    press()
  })
  return node
}

class Grid {
  constructor(root) {
    this.root = root
    this.mount = Math.random().toString(36).slice(2)
    this.count = 0
    this.turn = 0
    this.undid = 0 // the number of the last undo that was not answered yet
    this.outbox = []
    this.pending = new Map() // id -> what it will be: {n, to} with to a class, null for none, undefined for gone
    this.selected = new Set()
    this.focus = ""
    this.anchor = ""
    this.tiles = new Map()
    this.shown = []
    this.data = { items: [], classes: [], sections: [] }
    this.build()
  }

  build() {
    this.tools = make("div", "tools")
    this.chips = make("div", "chips")
    this.line = make("div", "line")
    this.status = make("span", "status")
    this.status.setAttribute("role", "status")
    this.buttons = make("span", "buttons")
    this.line.append(this.buttons, this.status)
    this.tools.append(this.chips, this.line)
    this.scroller = make("div", "scroller")
    this.scroller.tabIndex = 0
    this.scroller.setAttribute("role", "listbox")
    this.scroller.setAttribute("aria-multiselectable", "true")
    this.scroller.setAttribute("aria-label", "Pictures")
    this.sheet = make("div", "sheet")
    this.band = make("div", "band")
    this.band.hidden = true
    this.scroller.append(this.sheet, this.band)
    this.viewer = make("dialog", "viewer")
    this.viewer.tabIndex = -1
    this.root.replaceChildren(this.tools, this.scroller, this.viewer)
    this.scroller.addEventListener("keydown", (event) => this.key(event))
    this.scroller.addEventListener("focus", () => this.mark())
    this.viewer.addEventListener("keydown", (event) => this.key(event))
    this.viewer.addEventListener("close", () => this.scroller.focus({ preventScroll: true }))
    this.viewer.addEventListener("click", (event) => event.target === this.viewer && this.viewer.close())
    this.pointer()
  }

  close() {
    clearTimeout(this.timer)
    this.timer = 0
    if (this.outbox.length) this.send({ mount: this.mount, ops: [...this.outbox] })
    if (this.viewer.open) this.viewer.close()
  }

  // What the server says

  update(data) {
    const done = data.done?.mount === this.mount ? data.done.n : 0
    this.outbox = this.outbox.filter((op) => op.n > done)
    for (const [id, change] of this.pending) if (change.n <= done) this.pending.delete(id)
    const before = this.shown.map((item) => item.id)
    const other = data.view !== this.data.view
    this.data = data
    if (other) {
      this.selected.clear()
      this.focus = this.anchor = ""
      this.scroller.scrollTop = 0
    }
    this.shown = data.items.filter((item) => this.target(item) !== undefined)
    const here = new Set(this.shown.map((item) => item.id))
    for (const id of this.selected) if (!here.has(id)) this.selected.delete(id)
    const back = data.back.map((path) => this.shown.find((item) => item.path === path)?.id).find(Boolean)
    if (this.undid && this.undid <= done) {
      this.undid = 0
      if (back) this.focus = this.anchor = back
    }
    if (other) this.focus = this.shown[0]?.id ?? ""
    else if (this.focus && !here.has(this.focus)) this.focus = this.nearest(before, here)
    this.root.style.setProperty("--height", data.sections.length ? "none" : "min(640px, 82vh)")
    this.draw()
    this.drawTools()
    if (this.viewer.open) this.focus ? this.look() : this.viewer.close()
  }

  // The picture that takes the place of one that went: the next of those before that is still there, else the one before.
  nearest(before, here) {
    const at = before.indexOf(this.focus)
    if (at < 0) return this.shown[0]?.id ?? ""
    return before.slice(at).find((id) => here.has(id)) ?? before.slice(0, at).reverse().find((id) => here.has(id)) ?? ""
  }

  // The class an item is in, or will be: a name, null for none, undefined if it is on its way to the trash.
  target(item) {
    return this.pending.has(item.id) ? this.pending.get(item.id).to : item.class
  }

  colour(name) {
    return this.data.classes.find((one) => one.name === name)?.colour ?? "transparent"
  }

  // Drawing

  draw() {
    const nodes = []
    const sections = this.data.sections
    let last = -1
    const old = this.tiles
    this.tiles = new Map()
    for (const item of this.shown) {
      if (sections.length && item.section !== last) {
        last = item.section
        nodes.push(this.header(sections[last], last))
      }
      const tile = old.get(item.id) ?? this.tile(item.id)
      this.fill(tile, item)
      this.tiles.set(item.id, tile)
      nodes.push(tile)
    }
    if (!nodes.length) nodes.push(make("div", "empty", this.data.empty))
    const same = nodes.length === this.sheet.childNodes.length && nodes.every((n, i) => n === this.sheet.childNodes[i])
    if (!same) {
      const held = this.sheet.contains(this.root.getRootNode().activeElement)
      this.sheet.replaceChildren(...nodes)
      if (held) this.scroller.focus({ preventScroll: true })
    }
    this.mark()
  }

  tile(id) {
    const tile = make("div", "tile")
    tile.setAttribute("role", "option")
    tile.id = `t${Math.random().toString(36).slice(2)}`
    tile.dataset.path = id
    const image = make("img")
    image.loading = "lazy"
    image.decoding = "async"
    image.draggable = false
    image.addEventListener("error", () => tile.classList.add("broken"))
    const tag = make("span", "tag")
    tag.append(make("i"), make("b"))
    tile.append(image, tag, make("span", "flag"), make("span", "check", "✓"))
    return tile
  }

  fill(tile, item) {
    const [image, tag, flag] = tile.children
    if (image.getAttribute("src") !== item.url) image.src = item.url
    const target = this.target(item)
    const moved = this.pending.has(item.id)
    const suggested = !moved && item.suggestion && item.suggestion !== target ? item.suggestion : ""
    const name = suggested ? `${target ? `${target} → ` : ""}${suggested}? ${item.sure}` : target
    image.alt = `${name || "without a class"}${item.flag ? `, ${item.flag}` : ""}: ${item.path}`
    tile.title = item.path
    tile.classList.toggle("moved", moved)
    tag.classList.toggle("asked", Boolean(suggested))
    tag.hidden = !name || !(this.data.tags || moved || suggested)
    tag.children[0].style.background = this.colour(suggested || target)
    tag.children[1].textContent = name
    flag.textContent = item.flag
    flag.hidden = !item.flag
  }

  header(section, number) {
    const node = make("div", "section")
    const words = make("div", "words")
    words.append(make("strong", "", section.title))
    if (section.note) words.append(make("span", "note", section.note))
    const actions = make("div", "actions")
    const ids = this.shown.filter((item) => item.section === number).map((item) => item.id)
    const some = () => {
      const chosen = ids.filter((id) => this.selected.has(id))
      if (chosen.length && !section.whole) return chosen
      // Those of a group that have a class by now are meant only when they are chosen.
      const open = this.shown.filter((item) => item.section === number && this.target(item) === null).map((item) => item.id)
      return section.label && open.length ? open : ids
    }
    const title = section.whole ? "" : "For those selected here, or for all of them"
    if (section.label) {
      for (const one of this.data.classes.slice(0, MANY)) actions.append(this.chip(one, () => this.move(some(), one.name)))
      const name = () => {
        this.select(some())
        this.ask()
      }
      actions.append(button("chip", "+ new class", name))
    }
    for (const action of section.actions) {
      const press = () => this.act({ kind: "act", section: section.id, action: action.id, paths: some() })
      actions.append(button("tool", action.label, press, title))
    }
    actions.append(button("tool quiet", "Select", () => this.select(ids)))
    node.append(words, actions)
    return node
  }

  chip(one, press) {
    const node = button("chip", undefined, press, `Put into ${one.name}`)
    node.setAttribute("aria-label", `Put into ${one.name}`)
    const dot = make("i")
    dot.style.background = one.colour
    node.append(dot, make("span", "", one.name))
    if (one.key) node.append(make("kbd", "", one.key))
    return node
  }

  drawTools() {
    const { classes, undo, redo, said, trouble } = this.data
    const chips = [make("span", "into", "Put into")]
    for (const one of classes.slice(0, MANY)) chips.push(this.chip(one, () => this.label(one.name)))
    const nothing = button("chip", "no class", () => this.label(null), "Take out of the class")
    nothing.append(make("kbd", "", "0"))
    chips.push(nothing)
    if (classes.length > MANY) chips.push(this.choice("Put into ...", (name) => this.label(name)))
    chips.push(button("chip", "+ new class", () => this.ask()))
    // The buttons are made anew: whoever pressed one goes on with the pictures.
    if (this.tools.contains(this.root.getRootNode().activeElement) && !this.asking) this.scroller.focus({ preventScroll: true })
    if (!this.asking) this.chips.replaceChildren(...chips)

    const waiting = this.outbox.length
    this.status.textContent = waiting ? "Saving ..." : said || this.tally()
    this.status.classList.toggle("trouble", Boolean(trouble && !waiting))
    const count = this.selected.size
    const buttons = []
    if (count) buttons.push(make("span", "count", `${count} selected`))
    if (this.data.accept) buttons.push(button("tool", "Accept (A)", () => this.accept(), "Put each into the class suggested"))
    buttons.push(
      count < this.shown.length
        ? button("tool", "Select all", () => this.select(this.shown.map((item) => item.id)), "Ctrl+A")
        : button("tool", "Select none", () => this.select([]), "Esc"),
    )
    if (this.focus) buttons.push(button("tool", "Look closer", () => this.look(), "Enter"))
    if (count && classes.length) buttons.push(this.choice("Copy into ...", (name) => this.copy(name)))
    if (count) buttons.push(button("tool", "Delete", () => this.remove(), "Move to the trash (Delete)"))
    if (undo) buttons.push(button("tool said", `Undo: ${undo}`, () => this.act({ kind: "undo" }), `${undo} (Ctrl+Z)`))
    if (redo) buttons.push(button("tool said", `Redo: ${redo}`, () => this.act({ kind: "redo" }), `${redo} (Ctrl+Y)`))
    this.buttons.replaceChildren(...buttons)
  }

  tally() {
    const count = this.shown.length
    if (!count) return ""
    const fingers = window.matchMedia("(pointer: coarse)").matches
    return fingers ? "Tap pictures, then a class." : "Click or arrow keys; a number puts it into that class."
  }

  choice(title, chosen) {
    const list = make("select", "tool")
    list.setAttribute("aria-label", title)
    list.append(new Option(title, ""))
    for (const one of this.data.classes) list.append(new Option(one.name, one.name))
    list.addEventListener("change", () => {
      if (list.value) chosen(list.value)
      list.value = ""
    })
    return list
  }

  ask() {
    this.asking = true
    const field = make("input", "field")
    field.placeholder = "Name of the new class"
    field.maxLength = 100
    field.setAttribute("aria-label", "Name of the new class")
    const end = () => {
      this.asking = false
      this.drawTools()
      this.scroller.focus({ preventScroll: true })
    }
    const take = () => {
      const name = field.value.trim()
      if (!name) return field.focus()
      this.label(name)
      end()
    }
    field.addEventListener("keydown", (event) => {
      event.stopPropagation()
      if (event.key === "Enter") take()
      if (event.key === "Escape") end()
    })
    this.chips.replaceChildren(field, button("chip", "Put it there", take), button("chip quiet", "Cancel", end))
    field.focus()
  }

  mark() {
    for (const [id, tile] of this.tiles) {
      const chosen = this.selected.has(id)
      tile.classList.toggle("selected", chosen)
      tile.setAttribute("aria-selected", String(chosen))
      tile.classList.toggle("focused", id === this.focus)
    }
    const tile = this.tiles.get(this.focus)
    if (tile) this.scroller.setAttribute("aria-activedescendant", tile.id)
    else this.scroller.removeAttribute("aria-activedescendant")
  }

  // Selecting

  select(ids, focus) {
    this.selected = new Set(ids)
    if (focus) this.focus = focus
    this.mark()
    this.drawTools()
  }

  go(id, { extend = false, keep = false } = {}) {
    if (!id) return
    if (extend) this.range(id)
    else if (!keep) this.anchor = id
    this.focus = id
    if (!extend && !keep && this.selected.size) this.selected.clear()
    this.tiles.get(id)?.scrollIntoView({ block: "nearest" })
    this.mark()
    this.drawTools()
  }

  range(id) {
    const order = this.shown.map((item) => item.id)
    const [from, to] = [order.indexOf(this.anchor || this.focus), order.indexOf(id)].sort((a, b) => a - b)
    this.selected = new Set(order.slice(Math.max(from, 0), to + 1))
  }

  toggle(id) {
    this.selected.has(id) ? this.selected.delete(id) : this.selected.add(id)
    this.focus = this.anchor = id
    this.mark()
    this.drawTools()
  }

  pointer() {
    let start = null
    const path = (event) => event.composedPath().find((node) => node.dataset?.path)?.dataset.path
    this.scroller.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.composedPath().some((node) => node.tagName === "BUTTON")) return
      start = { x: event.clientX, y: event.clientY, top: this.scroller.scrollTop, path: path(event), band: false, event }
      start.kept = event.ctrlKey || event.metaKey ? new Set(this.selected) : new Set()
    })
    this.scroller.addEventListener("pointermove", (event) => {
      if (!start || event.pointerType !== "mouse" || !(event.buttons & 1)) return
      if (!start.band && Math.hypot(event.clientX - start.x, event.clientY - start.y) < BAND_FROM) return
      if (!start.band) this.scroller.setPointerCapture(event.pointerId)
      start.band = true
      this.stretch(start, event)
    })
    this.scroller.addEventListener("pointerup", (event) => {
      const began = start
      start = null
      this.band.hidden = true
      if (!began || began.band) return
      if (Math.hypot(event.clientX - began.x, event.clientY - began.y) > BAND_FROM) return // a scroll by finger
      this.scroller.focus({ preventScroll: true })
      if (!began.path) this.select([])
      else if (event.shiftKey) this.go(began.path, { extend: true })
      else if (event.ctrlKey || event.metaKey || event.pointerType !== "mouse") this.toggle(began.path)
      else {
        this.anchor = began.path
        this.select([began.path], began.path)
      }
    })
    this.scroller.addEventListener("pointercancel", () => {
      start = null
      this.band.hidden = true
    })
    this.scroller.addEventListener("dblclick", (event) => path(event) && this.look(path(event)))
  }

  stretch(start, event) {
    const frame = this.scroller.getBoundingClientRect()
    if (event.clientY > frame.bottom - 24) this.scroller.scrollTop += 12
    if (event.clientY < frame.top + 24) this.scroller.scrollTop -= 12
    const y = start.y - (this.scroller.scrollTop - start.top)
    const box = {
      left: Math.min(start.x, event.clientX),
      right: Math.max(start.x, event.clientX),
      top: Math.min(y, event.clientY),
      bottom: Math.max(y, event.clientY),
    }
    this.band.hidden = false
    this.band.style.left = `${box.left - frame.left}px`
    this.band.style.top = `${box.top - frame.top + this.scroller.scrollTop}px`
    this.band.style.width = `${box.right - box.left}px`
    this.band.style.height = `${box.bottom - box.top}px`
    const hit = [...this.tiles].filter(([, tile]) => {
      const at = tile.getBoundingClientRect()
      return at.left < box.right && at.right > box.left && at.top < box.bottom && at.bottom > box.top
    })
    this.select([...start.kept, ...hit.map(([id]) => id)], hit.at(-1)?.[0])
  }

  // Keys

  key(event) {
    if (["INPUT", "SELECT"].includes(event.target.tagName)) return
    if (event.target.tagName === "BUTTON" && [" ", "Enter"].includes(event.key)) return
    const order = this.shown.map((item) => item.id)
    const at = order.indexOf(this.focus)
    const control = event.ctrlKey || event.metaKey
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns(), ArrowDown: this.columns() }
    const far = { Home: 0, End: order.length - 1, PageUp: at - 3 * this.columns(), PageDown: at + 3 * this.columns() }
    let taken = true
    if (control && key === "z") this.act({ kind: event.shiftKey ? "redo" : "undo" })
    else if (control && key === "y") this.act({ kind: "redo" })
    else if (control && key === "a") this.select(order)
    else if (control || event.altKey) taken = false
    else if (key in steps) this.step(order, at < 0 ? 0 : at + steps[key], event.shiftKey)
    else if (key in far) this.step(order, far[key], event.shiftKey)
    else if (key === " " && !this.viewer.open) this.focus && this.toggle(this.focus)
    else if (key === "Enter") this.viewer.open ? this.viewer.close() : this.look()
    else if (key === "Escape" && !this.viewer.open) this.select([])
    else if (key === "Delete" || key === "Backspace") this.remove()
    else if (key === "0") this.label(null)
    else if (key === "a" && this.data.accept) this.accept()
    else {
      const one = this.data.classes.find((candidate) => candidate.key === key)
      if (one) this.label(one.name)
      else taken = false
    }
    if (taken) {
      event.preventDefault()
      event.stopPropagation()
    }
  }

  step(order, to, extend) {
    this.go(order[Math.min(Math.max(to, 0), order.length - 1)], { extend: extend && !this.viewer.open })
    if (this.viewer.open) this.look()
  }

  columns() {
    return getComputedStyle(this.sheet).gridTemplateColumns.split(" ").length
  }

  // Doing

  act(op) {
    this.count += 1
    if (op.kind === "undo" || op.kind === "redo") this.undid = this.count
    this.outbox.push({ n: this.count, ...op })
    this.post()
    this.drawTools()
  }

  // At once, but not for every key of a fast hand: the server draws the page anew each time.
  post() {
    if (this.timer) return
    this.send({ mount: this.mount, ops: [...this.outbox] })
    const sent = this.count
    this.timer = setTimeout(() => {
      this.timer = 0
      if (this.count > sent && this.outbox.length) this.post()
    }, PAUSE)
  }

  picked() {
    if (this.selected.size && !this.viewer.open) return this.shown.map((item) => item.id).filter((id) => this.selected.has(id))
    return this.focus ? [this.focus] : []
  }

  // Says what will become of pictures, shows it at once, and goes on to the next one.
  change(ids, to, op) {
    if (!ids.length) {
      this.status.textContent = "Select pictures first."
      return
    }
    const order = this.shown.map((item) => item.id)
    const changed = new Set(ids)
    for (const id of ids) this.pending.set(id, { n: this.count + 1, to })
    const last = order.indexOf(ids.at(-1))
    this.focus = order.slice(last + 1).find((id) => !changed.has(id)) ?? "" // after the last one, keys do nothing more
    this.anchor = this.focus
    this.selected.clear()
    this.shown = this.shown.filter((item) => this.target(item) !== undefined)
    this.act({ paths: ids, ...op })
    this.draw()
    this.tiles.get(this.focus)?.scrollIntoView({ block: "nearest" })
    if (this.viewer.open) this.look()
  }

  move(ids, to) {
    this.change(ids, to, { kind: "move", to })
  }

  label(to) {
    this.move(this.picked(), to)
  }

  remove() {
    this.change(this.picked(), undefined, { kind: "delete" })
  }

  copy(to) {
    this.act({ kind: "copy", paths: this.picked(), to })
    this.select([])
  }

  accept() {
    const ids = new Set(this.picked())
    const byClass = new Map()
    for (const item of this.shown) {
      if (!ids.has(item.id) || !item.suggestion || this.pending.has(item.id)) continue
      byClass.set(item.suggestion, [...(byClass.get(item.suggestion) ?? []), item.id])
    }
    for (const [name, some] of byClass) this.move(some, name)
  }

  // Looking closer

  look(id) {
    if (id) this.focus = id
    const item = this.shown.find((one) => one.id === this.focus)
    if (!item) return
    const image = make("img")
    image.src = item.picture
    image.alt = item.path
    const target = this.target(item)
    const facts = make("dl")
    for (const [term, value] of [["class", target ?? "none yet"], ...item.details]) {
      facts.append(make("dt", "", term), make("dd", "", value))
    }
    const order = this.shown.map((one) => one.id)
    const at = order.indexOf(item.id)
    const side = make("div", "side")
    const chips = make("div", "chips")
    for (const one of this.data.classes.slice(0, MANY)) chips.append(this.chip(one, () => this.label(one.name)))
    const ways = make("div", "ways")
    ways.append(
      button("tool", "← before", () => this.step(order, at - 1)),
      button("tool", "next →", () => this.step(order, at + 1)),
      button("tool", "Delete", () => this.remove()),
      button("tool", "Close", () => this.viewer.close()),
    )
    side.append(facts, chips, ways)
    this.viewer.replaceChildren(image, side)
    this.mark()
    if (!this.viewer.open) this.viewer.showModal()
    this.viewer.focus() // what had it was just replaced
  }
}
