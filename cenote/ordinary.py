"""Texts of many kinds, written for this project: on them it is seen how large the inputs of the model's layers are.

Belongs here: the texts. Must not: what is made of them (cenote/quantized.py). A text that is taken out or put in
changes the roundings there, hence vectors by as much as rounding does.
"""

ORDINARY = (
    "Where is my refund?",
    "I was charged twice for one payment and would like the second one back, please.",
    "How long does a transfer to another country take, and what does it cost?",
    "my card got stuck in the machine!! what now",
    "Can I change the PIN of my card in the app or must I find a cash machine?",
    "The exchange rate was not the one that you showed when I paid.",
    "Please close my account and send me a statement of the last twelve months.",
    "Is there a limit to how much money I can put on the card in a month?",
    "It works.",
    "Five stars. Would buy again!",
    "Terrible. It broke on the second day and nobody answers the phone.",
    "The colour is lovely, but the sleeves are too short for me, so I sent it back.",
    "The kettle boils a litre in three minutes and is quiet; its cord could be longer.",
    "Stainless steel bottle, 750 ml, keeps drinks cold for 24 hours, dishwasher safe, black",
    "USB-C cable 2 m, 100 W, braided, pack of three",
    "Running shoes for women, size 39, light blue, with a soft sole for long distances on hard ground.",
    "RETURNED TO SENDER - ADDRESS UNKNOWN",
    "Invoice 2026-0871: 3 x desk lamp at 24.50, 1 x chair at 189.00, VAT 20 %, total 315.00 EUR, due 2026-04-30.",
    '{"order": 55120, "status": "shipped", "items": [{"sku": "AB-12", "quantity": 2}], "gift": false}',
    "def area(width: float, height: float) -> float: return width * height",
    "SELECT country, count(*) FROM orders WHERE paid_at >= '2026-01-01' GROUP BY country ORDER BY 2 DESC",
    "ERROR 2026-03-02T08:15:44Z worker-3: connection to 10.0.0.12:5432 refused, trying again in 30 s",
    "https://shop.example/help/returns?lang=en#labels",
    "Wann kommt mein Paket an? Die Sendungsnummer wird nicht gefunden.",
    "Die Bluse fällt kleiner aus als erwartet, der Stoff ist aber sehr angenehm.",
    "Bonjour, je voudrais changer l'adresse de livraison de ma commande, est-ce encore possible ?",
    "El pedido llegó a tiempo, pero falta una de las dos camisetas.",
    "Buongiorno, vorrei sapere se il prodotto è ancora disponibile nel colore verde.",
    "Super fast delivery \U0001f600\U0001f44d thank you!!!",
    "lol ok thx, will try later",
    "She moved to the coast in spring and opened a small bakery next to the harbour.",
    "The council voted on Tuesday to keep the old bridge open for walkers and bicycles while the new one is built.",
    "Sell the shares when the price falls below forty, but not before the dividend is paid.",
    "Two cups of flour, one egg, a pinch of salt; knead for ten minutes and let it rest in a warm place for an hour.",
    "The home side scored in the last minute and went through to the final for the first time in thirty years.",
    "Blood pressure was measured three times at rest; the mean of the last two readings was taken.",
    "Does early physiotherapy shorten the stay in hospital after replacement of the hip?",
    "Is a raised level of serum ferritin a sign of inflammation in children with asthma?",
    "We studied 214 women (mean age 47.3 years, SD 8.1) who had been treated for hypertension between 1998 and 2006. "
    "Half of them were given the drug at random, half a placebo. Weight, cholesterol and glucose were measured at the "
    "start, after six months and after two years. The groups did not differ at the start. After two years the systolic "
    "pressure had fallen by 11.2 mmHg (95% CI 8.4 to 14.0) with the drug and by 4.1 mmHg with the placebo (P < 0.001). "
    "Side effects were mild; nine patients left the study because of headache or dizziness. We conclude that the "
    "treatment is safe and lowers the risk of stroke, although larger trials are needed to tell how long it lasts.",
    "Records of all patients who underwent surgery of the colon in one hospital over ten years were read again. The "
    "primary outcome was infection of the wound within thirty days; the secondary outcomes were length of stay, "
    "readmission and death. Logistic regression was used to adjust for age, sex, smoking, diabetes, and the length of "
    "the operation. Infection was seen in 61 of 902 patients (6.8%). Obesity (odds ratio 2.3) and an operation of more "
    "than three hours (odds ratio 1.9) were independent predictors, whereas the surgeon's experience was not.",
    "Thank you for your order. You can follow the parcel with the number below from tomorrow on. If you are not at "
    "home, the driver leaves it with a neighbour or takes it to the nearest shop, where it is kept for seven days; "
    "bring a passport or another proof of who you are. To send something back, print the label from your account, put "
    "the goods into the box in which they came, and hand it in at any post office within thirty days. We refund the "
    "price as soon as the parcel has reached us, usually within a week, to the card or account that you paid with. "
    "Goods made to your wishes, opened cosmetics and food cannot be returned. Questions? Write to us, or call between "
    "nine and five on weekdays. Please keep this message until you are happy with what you bought.",
    "Minutes of the meeting. Present: five members, one guest. The treasurer reported a surplus of 1,240 pounds, most "
    "of it from the summer fair. It was agreed to mend the roof of the hall before winter and to ask builders for "
    "offers. The choir will sing on the second Sunday in December. Any other business: the key of the shed is missing.",
    "a",
    "2026",
    "???",
    "- - - - - - - - - -",
    "AAAA BBBB CCCC 0000 1111 2222 3333",
    "word " * 40,
)
