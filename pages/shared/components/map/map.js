// All pictures as points: hover shows one, a line drawn round some chooses them.

const maps = new WeakMap()
const RADIUS = 4
const REACH = 10 // pixels from a point at which it still counts as hovered

export default function ({ data, parentElement, setStateValue }) {
  let map = maps.get(parentElement)
  if (!map) {
    map = new PictureMap(parentElement.querySelector(".fg-map"))
    maps.set(parentElement, map)
  }
  map.choose = (ids) => setStateValue("chosen", ids)
  map.update(data)
  const turn = ++map.turn
  return () => {
    if (turn !== map.turn) return // an older run's, which newer data overtook
    map.close()
    maps.delete(parentElement)
  }
}

class PictureMap {
  constructor(root) {
    this.turn = 0
    this.loop = []
    this.hover = -1
    this.canvas = document.createElement("canvas")
    this.canvas.tabIndex = 0
    this.tip = document.createElement("figure")
    this.tip.hidden = true
    this.image = document.createElement("img")
    this.words = document.createElement("figcaption")
    this.tip.append(this.image, this.words)
    this.legend = document.createElement("div")
    this.legend.className = "legend"
    this.frame = document.createElement("div")
    this.frame.className = "frame"
    this.frame.append(this.canvas, this.tip)
    root.replaceChildren(this.frame, this.legend)
    this.sizes = new ResizeObserver(() => this.draw())
    this.sizes.observe(this.canvas)
    this.pointer()
  }

  close() {
    this.sizes.disconnect()
  }

  update(data) {
    this.data = data
    this.chosen = new Set(data.chosen)
    this.canvas.setAttribute("role", "img")
    this.canvas.setAttribute("aria-label", data.words)
    this.legend.replaceChildren(
      ...data.classes.map((one) => {
        const item = document.createElement("span")
        const dot = document.createElement("i")
        dot.style.background = one.colour
        const name = document.createElement("span")
        name.textContent = one.name
        item.append(dot, name)
        return item
      }),
    )
    this.draw()
  }

  place(number) {
    const margin = 14
    return [
      margin + this.data.x[number] * (this.canvas.clientWidth - 2 * margin),
      margin + this.data.y[number] * (this.canvas.clientHeight - 2 * margin),
    ]
  }

  draw() {
    if (!this.data) return
    const ratio = window.devicePixelRatio || 1
    const { clientWidth: width, clientHeight: height } = this.canvas
    this.canvas.width = width * ratio
    this.canvas.height = height * ratio
    const pen = this.canvas.getContext("2d")
    pen.scale(ratio, ratio)
    pen.clearRect(0, 0, width, height)
    const style = getComputedStyle(this.canvas)
    const ink = style.color
    for (let number = 0; number < this.data.ids.length; number++) {
      const [x, y] = this.place(number)
      const label = this.data.label[number]
      pen.beginPath()
      pen.arc(x, y, RADIUS, 0, 7)
      pen.globalAlpha = this.chosen.size && !this.chosen.has(this.data.ids[number]) ? 0.25 : 0.9
      if (label < 0) {
        pen.strokeStyle = ink
        pen.stroke()
      } else {
        pen.fillStyle = this.data.classes[label].colour
        pen.fill()
      }
    }
    pen.globalAlpha = 1
    if (this.loop.length > 1) {
      pen.beginPath()
      this.loop.forEach(([x, y], at) => (at ? pen.lineTo(x, y) : pen.moveTo(x, y)))
      pen.strokeStyle = ink
      pen.setLineDash([5, 4])
      pen.stroke()
      pen.setLineDash([])
    }
    if (this.hover >= 0) {
      const [x, y] = this.place(this.hover)
      pen.beginPath()
      pen.arc(x, y, RADIUS + 3, 0, 7)
      pen.strokeStyle = ink
      pen.lineWidth = 2
      pen.stroke()
      pen.lineWidth = 1
    }
  }

  pointer() {
    const at = (event) => {
      const box = this.canvas.getBoundingClientRect()
      return [event.clientX - box.left, event.clientY - box.top]
    }
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId)
      this.loop = [at(event)]
      this.point(-1)
    })
    this.canvas.addEventListener("pointermove", (event) => {
      if (this.loop.length) {
        this.loop.push(at(event))
        this.draw()
      } else this.point(this.nearest(at(event)))
    })
    this.canvas.addEventListener("pointerup", (event) => {
      const loop = this.loop
      this.loop = []
      const small = loop.length < 5
      if (small) this.point(this.nearest(at(event)))
      const inside = small ? [] : this.data.ids.filter((_, number) => within(this.place(number), loop))
      const single = small && this.hover >= 0 ? [this.data.ids[this.hover]] : inside
      this.chosen = new Set(single)
      this.draw()
      this.choose(single)
    })
    this.canvas.addEventListener("pointerleave", () => this.point(-1))
    this.canvas.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return
      this.chosen = new Set()
      this.draw()
      this.choose([])
    })
  }

  nearest([x, y]) {
    let best = -1
    let least = REACH * REACH
    for (let number = 0; number < this.data.ids.length; number++) {
      const [px, py] = this.place(number)
      const apart = (px - x) ** 2 + (py - y) ** 2
      if (apart < least) [best, least] = [number, apart]
    }
    return best
  }

  point(number) {
    if (number === this.hover) return
    this.hover = number
    this.tip.hidden = number < 0
    if (number >= 0) {
      const [x, y] = this.place(number)
      const label = this.data.label[number]
      this.image.src = `${this.data.address}${this.data.ids[number]}.jpg`
      this.image.alt = ""
      this.words.textContent = label < 0 ? "without a class" : this.data.classes[label].name
      this.tip.style.left = `${Math.min(x + 12, this.canvas.clientWidth - 150)}px`
      this.tip.style.top = `${y > 180 ? y - 176 : y + 12}px`
    }
    this.draw()
  }
}

// Whether a point lies inside a closed line: how often a ray from it crosses the line (even-odd rule).
function within([x, y], loop) {
  let inside = false
  for (let i = 0, j = loop.length - 1; i < loop.length; j = i++) {
    const [xi, yi] = loop[i]
    const [xj, yj] = loop[j]
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside
  }
  return inside
}
