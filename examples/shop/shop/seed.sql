INSERT INTO product (id, name, description, price, offer, stock) VALUES
  (1, 'Sourdough loaf', 'Baked next door at five this morning. Slice it tomorrow, if it lasts.', 420, 'regular', 12),
  (2, 'Salted butter', 'A quarter of a kilo, churned in Somerset, with crystals you can hear.', 345, 'regular', 30),
  (3, 'Seville marmalade', 'Thick cut and properly bitter. Mrs Okafor makes it every January.', 495, 'weekend', 18),
  (4, 'Breakfast tea', 'Eighty bags, brisk enough to stand a spoon in.', 380, 'regular', 45),
  (5, 'Free-range eggs', 'Six, in whatever colours the hens felt like.', 260, 'regular', 24),
  (6, 'Farmhouse cheddar', 'Aged fourteen months and crumbly at the edges. 200 g.', 610, 'weekend', 9),
  (7, 'Washing-up brush', 'Beech and plant fibre. The head can be changed, the handle is for life.', 550, 'regular', 7),
  (8, 'Dented tin of peaches', 'Nothing wrong with the peaches. The tin met the floor.', 180, 'clearance', 5),
  (9, 'Last year''s calendar', 'Twelve lighthouses. Right again in a few years.', 900, 'clearance', 3),
  (10, 'Beeswax candles', 'A pair, hand dipped, eight hours each.', 720, 'regular', 0);
