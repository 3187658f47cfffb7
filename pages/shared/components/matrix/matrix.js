// A confusion matrix as a table of buttons: a click or Enter chooses a cell, arrow keys go from one to the next.

const matrices = new WeakMap()
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }
const ROOMY = 8 // classes; more make smaller cells
const MANY = 20 // more than these have no numbers in them

export default function ({ data, parentElement, setStateValue }) {
  let matrix = matrices.get(parentElement)
  if (!matrix) {
    matrix = new Matrix(parentElement.querySelector(".fg-matrix"))
    matrices.set(parentElement, matrix)
  }
  matrix.send = (cell) => setStateValue("cell", cell)
  matrix.update(data)
  const turn = ++matrix.turn
  return () => {
    if (turn === matrix.turn) matrices.delete(parentElement) // else newer data overtook this run
  }
}

const make = (tag, name = "", text = "") => {
  const node = document.createElement(tag)
  node.className = name
  node.textContent = text
  return node
}

const matter = ({ names, counts, called, shares }) => JSON.stringify([names, counts, called, shares])

class Matrix {
  constructor(root) {
    this.turn = 0
    this.at = [0, 0]
    this.words = make("p", "words")
    this.words.setAttribute("aria-live", "polite")
    this.frame = make("div", "frame")
    root.replaceChildren(this.frame, this.words)
    root.addEventListener("keydown", (event) => this.key(event))
    root.addEventListener("pointerover", (event) => this.tell(event.target))
    root.addEventListener("focusin", (event) => this.tell(event.target))
    root.addEventListener("pointerleave", () => this.tell(null))
    root.addEventListener("click", (event) => this.click(event.target))
  }

  // Row or column -1 is a heading, which stands for the whole row or column.
  update(data) {
    const same = this.data && matter(this.data) === matter(data)
    this.data = data
    if (!same) this.draw()
    this.mark()
    this.tell(null)
  }

  draw() {
    const { names, counts, totals, shares } = this.data
    const size = names.length > MANY ? "tiny" : names.length > ROOMY ? "small" : "roomy"
    const table = make("table", size)
    table.append(make("caption", "", this.data.caption))
    const head = table.createTHead().insertRow()
    head.append(make("td", "corner"))
    names.forEach((_, column) => head.append(this.heading(column, -1, column, "col")))
    const body = table.createTBody()
    names.forEach((_, row) => {
      const line = body.insertRow()
      line.append(this.heading(row, row, -1, "row"))
      counts[row].forEach((count, column) => {
        const share = totals[row] ? count / totals[row] : 0
        const text = size === "tiny" || !count ? "" : shares ? `${Math.round(share * 100)}` : `${count}`
        const button = this.button(row, column, text)
        button.classList.add(row === column ? "right" : "wrong")
        button.style.setProperty("--share", count ? 0.12 + 0.88 * share : 0)
        line.insertCell().append(button)
      })
    })
    this.frame.replaceChildren(table)
    this.at = [Math.min(this.at[0], names.length - 1), Math.min(this.at[1], names.length - 1)]
  }

  heading(at, row, column, scope) {
    const node = document.createElement("th")
    node.scope = scope
    const button = this.button(row, column, this.data.short[at])
    button.classList.add("name")
    button.title = this.data.names[at]
    node.append(button)
    return node
  }

  button(row, column, text) {
    const node = make("button", "", text)
    node.type = "button"
    node.dataset.row = row
    node.dataset.column = column
    node.setAttribute("aria-label", this.sentence(row, column))
    return node
  }

  sentence(row, column) {
    const { names, counts, totals, called } = this.data
    if (row < 0) return `All that it calls ${names[column]}: ${called[column]}`
    const total = totals[row]
    if (column < 0) return `All pictures of ${names[row]}: ${total}`
    const count = counts[row][column]
    const share = total ? ` (${Math.round((count / total) * 100)} %)` : ""
    return row === column
      ? `${names[row]}, right: ${count} of ${total}${share}`
      : `${names[row]}, taken for ${names[column]}: ${count} of ${total}${share}`
  }

  cellOf(node) {
    const button = node instanceof Element ? node.closest("button[data-row]") : null
    return button ? [Number(button.dataset.row), Number(button.dataset.column)] : null
  }

  buttonAt([row, column]) {
    return this.frame.querySelector(`button[data-row="${row}"][data-column="${column}"]`)
  }

  chosen() {
    const { names, truth, said } = this.data
    const cell = [truth === null ? -1 : names.indexOf(truth), said === null ? -1 : names.indexOf(said)]
    return cell[0] < 0 && cell[1] < 0 ? null : cell
  }

  mark() {
    const chosen = this.chosen()
    for (const button of this.frame.querySelectorAll("button[data-row]")) {
      const cell = [Number(button.dataset.row), Number(button.dataset.column)]
      button.setAttribute("aria-pressed", String(Boolean(chosen && cell[0] === chosen[0] && cell[1] === chosen[1])))
      button.tabIndex = cell[0] === this.at[0] && cell[1] === this.at[1] ? 0 : -1
    }
  }

  tell(node) {
    const cell = this.cellOf(node) ?? this.chosen()
    this.words.textContent = cell ? this.sentence(...cell) : this.data.hint
  }

  click(node) {
    const cell = this.cellOf(node)
    if (!cell) return
    const chosen = this.chosen()
    const again = chosen && chosen[0] === cell[0] && chosen[1] === cell[1]
    const name = (position) => (position < 0 || again ? null : this.data.names[position])
    this.data = { ...this.data, truth: name(cell[0]), said: name(cell[1]) }
    this.at = cell
    this.mark()
    this.send({ truth: this.data.truth, said: this.data.said })
  }

  key(event) {
    const step = STEPS[event.key]
    const at = this.cellOf(event.target)
    if (!step || !at) return
    event.preventDefault()
    const last = this.data.names.length - 1
    const next = at.map((place, axis) => Math.max(-1, Math.min(last, place + step[axis])))
    if (next[0] < 0 && next[1] < 0) return
    this.at = next
    this.mark()
    this.buttonAt(next).focus()
  }
}
