import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type GeoContext, type GeoPermissibleObjects, type GeoProjection, geoPath } from 'd3-geo'
import { feature, mesh } from 'topojson-client'
import type { GeometryObject, Topology } from 'topojson-specification'

/** One object of an atlas, as an area. */
export function landOf(atlas: string, object: string): GeoPermissibleObjects {
  const topology = read(atlas)
  return feature(topology, objectOf(topology, object))
}

/** The borders between the parts of an object, each once; no coasts. */
export function bordersOf(atlas: string, object: string): GeoPermissibleObjects {
  const topology = read(atlas)
  return mesh(topology, objectOf(topology, object), (a, b) => a !== b)
}

function read(atlas: string): Topology {
  return JSON.parse(readFileSync(createRequire(import.meta.url).resolve(atlas), 'utf8')) as Topology
}

function objectOf(topology: Topology, object: string): GeometryObject {
  const found = topology.objects[object]
  if (!found) throw new Error(`there is no ${object} in the atlas`)
  return found as GeometryObject
}

/** Pixels between two points that are worth drawing. */
const DETAIL = 0.9

/** SVG path data of something on a map, without detail that is too small to see. */
export function atlasPath(projection: GeoProjection, object: GeoPermissibleObjects): string {
  const writer = new PathWriter()
  geoPath(projection, writer)(object)
  return writer.finish()
}

/** Takes drawing commands; leaves out points that are close to the last, and areas that are nothing but that. */
class PathWriter implements GeoContext {
  private readonly done: string[] = []
  private line: string[] = []
  private x = 0
  private y = 0

  beginPath(): void {}
  arc(): void {}

  moveTo(x: number, y: number): void {
    this.flush('')
    this.add(x, y)
  }

  lineTo(x: number, y: number): void {
    if (Math.hypot(x - this.x, y - this.y) >= DETAIL) this.add(x, y)
  }

  closePath(): void {
    if (this.line.length < 3) this.line = []
    this.flush('Z')
  }

  finish(): string {
    this.flush('')
    return this.done.join('')
  }

  private add(x: number, y: number): void {
    this.line.push(`${short(x)},${short(y)}`)
    this.x = x
    this.y = y
  }

  private flush(end: string): void {
    if (this.line.length > 1) this.done.push(`M${this.line.join('L')}${end}`)
    this.line = []
  }
}

function short(value: number): string {
  return String(Math.round(value * 10) / 10)
}
