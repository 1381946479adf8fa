// Loaded before Pulumi's runner, which installs source-map-support: with it every promise of the runner looks for the
// source maps of ten frames, a third of the time of a plan. Types are stripped in place, so lines are right without.
// Frames outside of functions get the brackets that the runner looks for when it tells where a resource is declared.
const prepare = (error, frames) =>
  [String(error), ...frames.map(String).map((text) => (text.endsWith(')') ? text : `<anonymous> (${text})`))].join(
    '\n    at ',
  )

Object.defineProperty(Error, 'prepareStackTrace', { get: () => prepare, set() {} })
