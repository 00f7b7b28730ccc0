// The older versions of frameworks, as far as the tests use them, have the types of the newer ones.
declare module 'express-4' {
  import express from 'express'
  export default express
}
declare module 'koa-2' {
  import Koa from 'koa'
  export default Koa
}
