import { redirect } from 'next/navigation'
import { withSession } from '@/session'

export const POST = withSession(async (_request, session) => {
  await session.set('theme', 'thrown')
  redirect('/')
})
