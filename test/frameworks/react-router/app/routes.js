import { index, route } from '@react-router/dev/routes'

// biome-ignore lint/style/noDefaultExport: React Router asks for it
export default [
  index('routes/home.tsx'),
  route('login', 'routes/login.ts'),
  route('logout', 'routes/logout.js'),
  route('theme', 'routes/theme.js'),
  route('language', 'routes/language.js'),
]
