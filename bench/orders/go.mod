module gsession/orders

go 1.23.0
