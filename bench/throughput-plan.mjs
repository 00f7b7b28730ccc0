// What is measured: families of subjects that run beside each other, each with the steps of a round.
import { LARGE_BYTES, SMALL_BYTES } from './sample.mjs'
import { subjects } from './subjects/index.mjs'

const MAIN = { bytes: SMALL_BYTES, connections: 32 }
/** Sizes and numbers of connections beside those of the main table, for some subjects and cases. */
const CONDITIONS = [
  { bytes: LARGE_BYTES, connections: 32 },
  { bytes: SMALL_BYTES, connections: 1 },
  { bytes: SMALL_BYTES, connections: 256 },
]
const CONDITIONED_CASES = ['bare', 'read', 'write']
const CONDITIONED = [
  'bare, node:http, none',
  'Map by hand, node:http, memory',
  'GET by hand, node:http, redis',
  'GET + SET by hand, node:http, redis',
  'write + rename, node:http, file',
  'ours, node:http, memory',
  'ours, node:http, file',
  'ours, node:http, redis',
  'bare, Express, none',
  'ours, Express, memory',
  'ours, Express, file',
  'ours, Express, redis',
  'express-session, Express, memory',
  'express-session, session-file-store, Express, file',
  'express-session, connect-redis, Express, redis',
]

const CONTENTION = { bytes: SMALL_BYTES, connections: 64 }
const CONTENTION_CASES = ['contention, one session', 'contention, 64 sessions']
const CONTENDED = [
  'ours, node:http, memory',
  'ours, node:http, file',
  'ours, node:http, redis',
  'ours, node:http, redis hash',
  'express-session, Express, memory',
  'express-session, session-file-store, Express, file',
  'express-session, connect-redis, Express, redis',
]

const CASE_ORDER = [
  'bare',
  'untouched',
  'read',
  'mix',
  'write',
  'login',
  'logout',
  ...CONTENTION_CASES,
]
const CONDITION_ORDER = [MAIN, ...CONDITIONS, CONTENTION].map(nameOf)

/** For a look: who stands for the others, and the cases that people ask for first. */
const QUICK_CASES = ['bare', 'untouched', 'read', 'write']
const QUICK_SUBJECTS = [
  ...CONDITIONED,
  'bare, Fastify, none',
  'ours, Fastify, memory',
  '@fastify/session, Fastify, memory',
  'bare, Koa, none',
  'ours, Koa, memory',
  'koa-session, Koa, cookie',
  'bare, Hono, none',
  'ours, Hono, memory',
  'hono-sessions, Hono, memory',
]

/**
 * The families, one of each framework, so that what is compared has its samples close together. A
 * family is the steps of its round: case by case, and in each case subject by subject.
 *
 * `only` is the name of a subject, or a part of names; `onlyCase` a case. They leave out what is not
 * chosen; a subject that is named has all its cases, in a quick run too.
 */
export function planFamilies({ quick, only, onlyCase }) {
  const steps = chosenSubjects(quick, only)
    .flatMap(subject => stepsOf(subject, quick && !only))
    .filter(step => !onlyCase || step.case === onlyCase)
  if (steps.length === 0) {
    const names = subjects.map(({ name, cases }) => `${name}: ${cases.join(', ')}`)
    throw new Error(`No such subject or case. There are:\n${names.join('\n')}`)
  }
  const frameworks = new Set(steps.map(step => step.subject.framework))
  return [...frameworks].map(framework =>
    inTurn(steps.filter(step => step.subject.framework === framework)),
  )
}

function chosenSubjects(quick, only) {
  if (!only) return subjects.filter(({ name }) => !quick || QUICK_SUBJECTS.includes(name))
  const named = subjects.filter(({ name }) => name === only)
  return named.length > 0 ? named : subjects.filter(({ name }) => name.includes(only))
}

function stepsOf(subject, quick) {
  const main = quick ? subject.cases.filter(each => QUICK_CASES.includes(each)) : subject.cases
  const steps = main.map(each => ({ subject, case: each, ...MAIN }))
  if (quick) return steps
  if (CONDITIONED.includes(subject.name)) {
    for (const condition of CONDITIONS) {
      const cases = subject.cases.filter(each => CONDITIONED_CASES.includes(each))
      // The bare framework has no session that could be large.
      if (cases[0] === 'bare' && condition.bytes !== MAIN.bytes) continue
      steps.push(...cases.map(each => ({ subject, case: each, ...condition })))
    }
  }
  if (CONTENDED.includes(subject.name)) {
    steps.push(...CONTENTION_CASES.map(each => ({ subject, case: each, ...CONTENTION })))
  }
  return steps
}

/**
 * Case by case; the bare framework stands before the cases that are compared with it, a logout behind
 * its login, whose sessions it ends.
 */
function inTurn(steps) {
  const place = step =>
    CONDITION_ORDER.indexOf(nameOf(step)) * CASE_ORDER.length + CASE_ORDER.indexOf(step.case)
  return [...steps].sort((a, b) => place(a) - place(b))
}

function nameOf({ bytes, connections }) {
  return `${bytes} bytes, ${connections} connections`
}
