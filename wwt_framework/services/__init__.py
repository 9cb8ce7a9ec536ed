"""The rules of the house: the board, what pages show, actions, who may. No CherryPy, no pluggy, no peewee here."""
