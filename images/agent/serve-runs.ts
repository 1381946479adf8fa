import { type AgentNews, type StartedAgent, startAgent } from '@millrace/agents'
import { store } from '@millrace/sdk'
import { LOG_EVENT } from '../../infra/components/log-events.ts'
import { readContract } from '../runtime/contract.ts'
import { writeLine } from '../runtime/log.ts'
import { readSecrets } from '../runtime/read-secrets.ts'
import { writeFailure } from '../runtime/write-failure.ts'
import { readAgentContract } from './contract.ts'

/**
 * Runs an agent as its environment says. SIGTERM lets it launch what it claimed, and go; a second one does not wait.
 * @returns what to end with
 */
export async function serveRuns(): Promise<number> {
  try {
    const contract = readAgentContract(process.env)
    const facts = { agent: contract.MILLRACE_AGENT, launcher: contract.MILLRACE_LAUNCHER }
    await readSecrets(readContract(process.env).MILLRACE_SECRETS)
    const started = await startAgent({
      launcher: contract.MILLRACE_LAUNCHER,
      name: contract.MILLRACE_AGENT,
      labels: contract.MILLRACE_LABELS,
      where: {
        stack: contract.MILLRACE_ENV,
        root: `${import.meta.dirname}/../..`,
        folder: '/tmp/millrace/jobs',
        network: contract.MILLRACE_NETWORK,
        binds: contract.MILLRACE_BINDS,
        namespace: contract.MILLRACE_NAMESPACE,
        project: contract.MILLRACE_PROJECT,
        region: contract.MILLRACE_REGION,
      },
      database: contract.MILLRACE_DATABASE,
      jobDatabase: contract.MILLRACE_JOB_DATABASE,
      store: contract.MILLRACE_STORE,
      records: store(contract.MILLRACE_RELEASES),
      backlogAfter: contract.MILLRACE_BACKLOG_SECONDS * 1000,
      pools: contract.MILLRACE_POOLS,
      port: contract.MILLRACE_PORT,
      tell: (news) => writeNews(news, facts),
      ...(contract.MILLRACE_LIMIT !== undefined && { limit: contract.MILLRACE_LIMIT }),
    })
    writeLine('INFO', `agent ${contract.MILLRACE_AGENT} is up`, { ...facts, labels: contract.MILLRACE_LABELS })
    stopWhenTold(started, contract.MILLRACE_DRAIN_SECONDS * 1000)
    await Promise.race([started.agent.stopped, started.agent.failed])
    writeLine('INFO', `agent ${contract.MILLRACE_AGENT} has stopped`, facts)
    return 0
  } catch (error) {
    return writeFailure(error)
  }
}

/** Runs and queues in words that Monitoring looks for. */
export function writeNews(news: AgentNews, facts: Readonly<Record<string, unknown>>): void {
  if (news.kind === 'message') {
    const severity = { info: 'INFO', warn: 'WARNING', error: 'ERROR' } as const
    writeLine(severity[news.level], news.text, { ...facts, ...(news.run !== undefined && { run: news.run }) })
  } else if (news.kind === 'backlog') {
    const { queue, waiting, oldest } = news
    const seconds = Math.round(oldest / 1000)
    writeLine('WARNING', `${waiting} runs wait in the queue ${queue}, the oldest for ${seconds} s`, {
      event: LOG_EVENT.backlog,
      ...facts,
      queue,
      waiting,
      seconds,
    })
  } else if (news.kind === 'missing') {
    const { what, name, text } = news
    writeLine('ERROR', text, { event: LOG_EVENT.missing, ...facts, what, name })
  } else {
    const { action } = news
    const { run, launch, why } = action
    const isEnd = action.do === 'end-run'
    writeLine(isEnd ? 'ERROR' : 'INFO', `run ${run}: ${action.do} (${why})`, {
      ...facts,
      run,
      launch,
      ...(isEnd && { event: LOG_EVENT.runEnded, state: action.state }),
    })
  }
}

function stopWhenTold(started: StartedAgent, patience: number): void {
  let asked = 0
  const stop = (signal: NodeJS.Signals): void => {
    asked++
    writeLine('INFO', `the agent was told to go (${signal})`, { going: started.agent.running })
    if (asked > 1) process.exit(143)
    void started.stop(patience).catch((error) => process.exit(writeFailure(error)))
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
}
