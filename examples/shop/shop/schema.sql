DROP TABLE IF EXISTS product;

CREATE TABLE product (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  price INTEGER NOT NULL CHECK (price > 0), -- in pence
  offer TEXT NOT NULL DEFAULT 'regular' CHECK (offer IN ('regular', 'weekend', 'clearance')),
  stock INTEGER NOT NULL DEFAULT 0 CHECK (stock >= 0)
);
