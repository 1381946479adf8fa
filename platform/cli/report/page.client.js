// Runs in the reader's browser, in the page that page.ts makes.
for (const time of document.querySelectorAll('time')) {
  const at = new Date(time.dateTime)
  time.textContent =
    'short' in time.dataset
      ? at.toLocaleTimeString(undefined, {
          hour: '2-digit',
          minute: '2-digit',
          second: '2-digit',
          fractionalSecondDigits: 3,
          hour12: false,
        })
      : at.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
}

const canvas = document.getElementById('chart')
if (canvas) drawTimeline(canvas, JSON.parse(document.getElementById('data').textContent))

function drawTimeline(canvas, data) {
  const tip = document.getElementById('tip')
  const reset = document.getElementById('reset')
  const isDensity = data.bin !== undefined
  const colors = 9
  const axis = 26
  const lane = isDensity ? 30 : data.lanes.length > 40 ? 10 : 18
  const least = Math.min(20, data.length)
  const bars = isDensity ? [] : readBars(data)
  const peak = isDensity ? Math.max(1, ...data.lanes.map((each) => Math.max(...each.density))) : 0
  let view = { from: 0, to: data.length }
  let drag
  let pointed

  // Names are cut where the page is narrow.
  const left = () => Math.min(150, Math.max(64, canvas.clientWidth * 0.16))
  const x = (time) => left() + ((time - view.from) / (view.to - view.from)) * (canvas.clientWidth - left())
  const timeAt = (px) => view.from + ((px - left()) / (canvas.clientWidth - left())) * (view.to - view.from)

  function draw() {
    const style = getComputedStyle(document.documentElement)
    const color = (name) => style.getPropertyValue(`--${name}`).trim()
    const width = canvas.clientWidth
    const height = axis + data.lanes.length * lane + 4
    const scale = Math.max(2, window.devicePixelRatio || 1)
    canvas.style.height = `${height}px`
    canvas.width = width * scale
    canvas.height = height * scale
    const pen = canvas.getContext('2d')
    pen.scale(scale, scale)
    pen.font = '12px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif'
    pen.textBaseline = 'middle'
    drawAxis(pen, width, height, color)
    drawLanes(pen, width, color)
    pen.save()
    pen.beginPath()
    pen.rect(left(), axis, width - left(), height)
    pen.clip()
    if (isDensity) drawDensity(pen, color)
    else drawBars(pen, color)
    pen.restore()
    if (drag) {
      pen.fillStyle = color('accent')
      pen.globalAlpha = 0.2
      pen.fillRect(Math.min(drag.from, drag.to), axis, Math.abs(drag.to - drag.from), height)
    }
    reset.hidden = view.from === 0 && view.to === data.length
  }

  function drawAxis(pen, width, height, color) {
    const step = niceStep((view.to - view.from) / Math.max(2, (width - left()) / 110))
    pen.fillStyle = color('soft')
    pen.strokeStyle = color('line')
    pen.lineWidth = 1
    for (let time = Math.ceil(view.from / step) * step; time <= view.to; time += step) {
      const at = Math.round(x(time)) + 0.5
      pen.beginPath()
      pen.moveTo(at, axis - 6)
      pen.lineTo(at, height)
      pen.stroke()
      const text = words(time, step)
      const half = pen.measureText(text).width / 2
      pen.textAlign = 'center'
      pen.fillText(text, Math.min(width - half - 4, Math.max(left() + half, at)), axis / 2)
    }
  }

  function drawLanes(pen, width, color) {
    let before
    for (const [index, { name, number }] of data.lanes.entries()) {
      const top = axis + index * lane
      const isFirst = name !== before
      before = name
      if (isFirst) {
        pen.fillStyle = color('line')
        pen.fillRect(0, top, width, 1)
      }
      if (lane < 14 && !isFirst) continue
      pen.fillStyle = color(isFirst ? 'text' : 'soft')
      pen.textAlign = 'left'
      const text = isDensity || lane < 14 ? name : isFirst ? `${name} ${number}` : String(number)
      pen.fillText(isFirst ? fit(pen, text, left() - 16) : '', 10, top + lane / 2 + 0.5)
      if (isFirst) continue
      pen.textAlign = 'right'
      pen.fillText(text, left() - 8, top + lane / 2 + 0.5)
    }
  }

  function drawBars(pen, color) {
    const fills = Array.from({ length: colors }, (_, index) => color(`c${index}`))
    const bad = color('failed')
    // Bars that fall on the same pixel are drawn once; failed ones come last, on top.
    const drawn = new Map()
    const failed = []
    for (const bar of bars) {
      if (bar.to < view.from || bar.from > view.to) continue
      const at = x(bar.from)
      const wide = Math.max(1, x(bar.to) - at)
      if (bar.mark === 1) failed.push([at, wide, bar])
      else {
        const end = drawn.get(bar.lane) ?? Number.NEGATIVE_INFINITY
        if (at + wide <= end) continue
        drawn.set(bar.lane, at + wide)
        pen.fillStyle = fills[Math.min(bar.task, colors - 1)]
        pen.globalAlpha = bar.mark === 2 ? 0.5 : 1
        // A gap shows where one ends and the next begins.
        pen.fillRect(at, axis + bar.lane * lane + 2, wide > 3 ? wide - 1 : wide, lane - 3)
      }
    }
    pen.globalAlpha = 1
    pen.fillStyle = bad
    for (const [at, wide, bar] of failed) {
      pen.fillRect(at, axis + bar.lane * lane + 1, Math.max(3, wide > 4 ? wide - 1 : wide), lane - 1)
    }
    if (pointed) {
      pen.strokeStyle = color('text')
      pen.lineWidth = 1.5
      pen.strokeRect(
        x(pointed.from),
        axis + pointed.lane * lane + 2,
        Math.max(1, x(pointed.to) - x(pointed.from)),
        lane - 3,
      )
    }
  }

  function drawDensity(pen, color) {
    pen.fillStyle = color('accent')
    for (const [index, { density }] of data.lanes.entries()) {
      const bottom = axis + (index + 1) * lane - 1
      for (const [bin, value] of density.entries()) {
        const at = x(bin * data.bin)
        const tall = (value / peak) * (lane - 4)
        pen.fillRect(at, bottom - tall, Math.max(1, x((bin + 1) * data.bin) - at), tall)
      }
    }
  }

  function point(event) {
    const box = canvas.getBoundingClientRect()
    const px = event.clientX - box.left
    const row = Math.floor((event.clientY - box.top - axis) / lane)
    const time = timeAt(px)
    const near = (view.to - view.from) / canvas.clientWidth
    const text = isDensity ? densityAt(row, time) : undefined
    const bar = isDensity
      ? undefined
      : bars.findLast((each) => each.lane === row && each.from <= time + near && each.to >= time - near)
    if (bar !== pointed) {
      pointed = bar
      draw()
    }
    tip.hidden = !bar && text === undefined
    if (tip.hidden) return
    tip.textContent = text ?? describe(bar)
    tip.style.left = `${Math.max(0, Math.min(px + 12, canvas.clientWidth - tip.offsetWidth - 4))}px`
    tip.style.top = `${Math.max(0, Math.min(axis + (row + 1) * lane + 4, canvas.clientHeight - tip.offsetHeight))}px`
  }

  function describe({ task, seq, from, to, mark }) {
    const state = mark === 1 ? ', failed' : mark === 2 ? ', still going' : ''
    const begun = new Date(data.origin + from).toLocaleTimeString(undefined, { hour12: false })
    return `${data.tasks[task]}-${seq}: ${words(to - from)}${state}\nstarted ${begun}, after ${words(from)}`
  }

  function densityAt(row, time) {
    const value = data.lanes[row]?.density[Math.floor(time / data.bin)]
    return value === undefined
      ? undefined
      : `${data.lanes[row].name}: ${value.toFixed(1)} at once, after ${words(time)}`
  }

  function look(from, to) {
    const length = Math.min(data.length, Math.max(least, to - from))
    const start = Math.max(0, Math.min(data.length - length, from))
    view = { from: start, to: start + length }
    pointed = undefined
    draw()
  }

  canvas.addEventListener('pointerdown', (event) => {
    const px = event.clientX - canvas.getBoundingClientRect().left
    if (event.pointerType === 'touch' || event.button !== 0 || px < left()) return
    drag = { from: px, to: px }
    canvas.setPointerCapture(event.pointerId)
  })
  canvas.addEventListener('pointermove', (event) => {
    if (!drag) return point(event)
    drag.to = Math.max(left(), event.clientX - canvas.getBoundingClientRect().left)
    tip.hidden = true
    draw()
  })
  canvas.addEventListener('pointerup', () => {
    const done = drag
    drag = undefined
    if (!done) return
    if (Math.abs(done.to - done.from) < 5) draw()
    else look(timeAt(Math.min(done.from, done.to)), timeAt(Math.max(done.from, done.to)))
  })
  canvas.addEventListener('pointerleave', () => {
    tip.hidden = true
    pointed = undefined
    draw()
  })
  canvas.addEventListener('keydown', (event) => {
    const length = view.to - view.from
    const middle = (view.from + view.to) / 2
    if (event.key === '+' || event.key === '=') look(middle - length / 4, middle + length / 4)
    else if (event.key === '-') look(middle - length, middle + length)
    else if (event.key === 'ArrowLeft') look(view.from - length / 4, view.to - length / 4)
    else if (event.key === 'ArrowRight') look(view.from + length / 4, view.to + length / 4)
    else if (event.key === '0') look(0, data.length)
    else return
    event.preventDefault()
  })
  reset.addEventListener('click', () => look(0, data.length))
  window.addEventListener('resize', draw)
  for (const query of ['(prefers-color-scheme: dark)', 'print']) matchMedia(query).addEventListener('change', draw)
  draw()
}

function readBars({ from, took, task, lane, seq, mark }) {
  const marks = new Map(mark)
  let at = 0
  return from.map((since, index) => {
    at += since
    return {
      from: at,
      to: at + took[index],
      task: task[index],
      lane: lane[index],
      seq: seq[index],
      mark: marks.get(index),
    }
  })
}

function niceStep(ms) {
  const steps = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5,
    108e5, 216e5, 432e5,
  ]
  return steps.find((step) => step >= ms) ?? Math.ceil(ms / 864e5) * 864e5
}

// As the SDK writes durations; on an axis only as fine as its step.
function words(ms, step = 0) {
  if (ms === 0) return '0'
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000)
    return `${(ms / 1000).toFixed(step % 1000 ? (step % 100 ? 2 : 1) : step ? 0 : ms < 10_000 ? 1 : 0)} s`
  const minutes = Math.floor(ms / 60_000)
  const seconds = Math.floor((ms % 60_000) / 1000)
  if (minutes < 60) return step && step % 60_000 === 0 ? `${minutes} min` : `${minutes} min ${seconds} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

function fit(pen, text, width) {
  if (pen.measureText(text).width <= width) return text
  let end = text.length
  while (end > 1 && pen.measureText(`${text.slice(0, end)}…`).width > width) end--
  return `${text.slice(0, end)}…`
}
