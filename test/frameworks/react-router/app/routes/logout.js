import { redirect } from 'react-router'
import { sessionContext } from '../context'

export async function action({ context }) {
  await context.get(sessionContext).removeAll()
  return redirect('/')
}
