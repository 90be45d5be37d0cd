"""The TWS / IB Gateway socket, spoken with ib_async's client and codec."""
