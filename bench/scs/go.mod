module gsession/scs

go 1.23.0

require (
	github.com/alexedwards/scs/redisstore v0.0.0-20250417082927-ab20b3feb5e9
	github.com/alexedwards/scs/v2 v2.9.0
	github.com/gomodule/redigo v1.9.3
)

require gsession/orders v0.0.0

replace gsession/orders => ../orders
