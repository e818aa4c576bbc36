"""What customers, the assistant and clerks write, as templates in English, Spanish, French and German.

Belongs here: templates. Must not: choosing and filling them (texts.py). Slots: {thing}, {days}, and those of personal data
({person}, {email}, {phone}, {card}, {iban}, {national_id}, {street}, {birth_date}, {ip}), which only the PERSONAL lists hold.
"""
# ruff: noqa: E501 - one sentence per line reads best

# What is talked about -> (what customers say, what the assistant answers), by language
TALK: dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = {
    "en": (
        (("Where is my order? It should have come by now.", "Hi, I ordered a {thing} last week and it still isn't here.", "Can you tell me when my parcel arrives?", "The tracking hasn't moved in three days.", "my {thing} is late, what is going on"),
         ("Let me look that up for you.", "Your parcel left our warehouse and should reach you within {days} days.", "I am sorry about the delay; the carrier reports a backlog in your region.")),
        (("I want to send back my {thing}.", "How do I return something?", "The {thing} doesn't fit, can I return it?", "Is there a fee for returns?", "I changed my mind about the {thing}."),
         ("Of course. You can return it within thirty days, free of charge.", "I have made a return label; you will find it in your account.", "The refund arrives within {days} working days after we receive the parcel.")),
        (("Does the {thing} come in other colours?", "Is the {thing} good for daily use?", "How heavy is the {thing}?", "What is the difference between the Mini and the Pro?", "Would you recommend the {thing} as a gift?"),
         ("The {thing} is one of our best rated products.", "It comes in black, sand and forest green.", "Yes, customers like the {thing} most for everyday use.")),
        (("My {thing} stopped working.", "The {thing} makes a strange noise.", "It arrived broken!", "The {thing} won't charge any more.", "One part of the {thing} is missing."),
         ("I am sorry to hear that. Let us try a reset first: hold the button for ten seconds.", "I have opened a repair case; you will hear from us within {days} days.", "We will send you a new {thing} at once.")),
        (("Can I still cancel my order?", "Please cancel it, I ordered twice by accident.", "I need to change the delivery address.", "Can you add a {thing} to my order?"),
         ("It has not been packed yet, so I can change that for you.", "Done. You will get a confirmation in a minute.", "Unfortunately the parcel has already been handed over.")),
        (("My card was declined, what can I do?", "I was charged twice.", "Can I pay by bank transfer?", "Where do I find my invoice?", "Do you take payment in instalments?"),
         ("I can see both charges; the second one will be released within {days} days.", "You find all invoices in your account under Orders.", "Yes, please use the order number as the reference.")),
        (("How long is the warranty on a {thing}?", "Is this covered by warranty?", "I lost my receipt, is that a problem?"),
         ("Every product has a warranty of two years from delivery.", "No receipt needed, we have your order on file.", "Damage by a drop is not covered, but we repair it at cost.")),
        (("When will the {thing} be back in stock?", "Do you have the {thing} in your shop in town?", "Is there a discount if I buy two?"),
         ("We expect it within {days} days; shall I let you know?", "From five pieces on, the price of the {thing} falls by eight per cent.", "It is in stock and can leave today.")),
        (("I'd like to speak to a person please.", "This is getting ridiculous.", "agent", "You are not understanding me."),
         ("I am connecting you with a colleague.", "I understand. Someone will take over in a moment.", "Thank you for your patience.")),
        (("Thanks, that's all!", "Great, thank you.", "Perfect, bye.", "ok thx", "Wonderful, you have been very helpful."),
         ("You are welcome. Have a good day!", "Glad to help. Is there anything else?", "Goodbye!")),
        (("Please delete my data.", "What do you store about me?", "Stop sending me newsletters.", "How do I change my password?"),
         ("I have passed your request to our privacy office.", "You can see and export your data in your account.", "I have taken you off the list.")),
    ),
    "es": (
        (("¿Dónde está mi pedido?", "Pedí {thing} la semana pasada y no ha llegado.", "El seguimiento no cambia desde hace tres días."),
         ("Lo miro ahora mismo.", "Su paquete llegará en {days} días.")),
        (("Quiero devolver {thing}.", "¿Cómo hago una devolución?", "¿La devolución tiene coste?"),
         ("Puede devolverlo en treinta días, sin coste.", "He creado la etiqueta de devolución.")),
        (("No funciona {thing}.", "Ha llegado roto.", "Falta una pieza."),
         ("Lo siento mucho. He abierto un caso de reparación.", "Le enviamos uno nuevo enseguida.")),
        (("¿Puedo pagar por transferencia?", "Me han cobrado dos veces.", "¿Dónde encuentro la factura?"),
         ("El segundo cargo se anulará en {days} días.", "Las facturas están en su cuenta, en Pedidos.")),
        (("Gracias, eso es todo.", "Perfecto, muchas gracias.", "Quiero hablar con una persona."),
         ("De nada. ¡Que tenga un buen día!", "Le paso con un compañero.")),
    ),
    "fr": (
        (("Où est ma commande ?", "J'ai commandé {thing} la semaine dernière et je n'ai rien reçu.", "Le suivi ne bouge plus depuis trois jours."),
         ("Je regarde tout de suite.", "Votre colis arrivera dans {days} jours.")),
        (("Je voudrais renvoyer {thing}.", "Comment faire un retour ?", "Le retour est-il payant ?"),
         ("Vous avez trente jours, sans frais.", "J'ai créé l'étiquette de retour.")),
        (("Il y a un problème avec {thing}.", "Le produit est arrivé cassé.", "Il manque une pièce."),
         ("Je suis désolé. J'ai ouvert un dossier de réparation.", "Nous vous en envoyons un nouveau.")),
        (("Puis-je payer par virement ?", "J'ai été débité deux fois.", "Où se trouve ma facture ?"),
         ("Le second débit sera annulé sous {days} jours.", "Vos factures sont dans votre compte.")),
        (("Merci, c'est tout.", "Parfait, merci beaucoup.", "Je veux parler à quelqu'un."),
         ("Je vous en prie, bonne journée !", "Je vous passe un collègue.")),
    ),
    "de": (
        (("Wo bleibt meine Bestellung?", "Letzte Woche bestellt, noch immer nicht da: {thing}.", "Die Sendungsverfolgung steht seit drei Tagen."),
         ("Ich sehe gleich nach.", "Ihr Paket kommt in {days} Tagen.")),
        (("Zurückgeben möchte ich: {thing}.", "Wie schicke ich etwas zurück?", "Kostet die Rücksendung etwas?"),
         ("Sie haben dreißig Tage Zeit, kostenlos.", "Das Rücksendeetikett liegt in Ihrem Konto.")),
        (("Leider defekt: {thing}.", "Die Ware kam beschädigt an.", "Ein Teil fehlt."),
         ("Das tut mir leid. Ich habe eine Reparatur angelegt.", "Wir schicken Ihnen sofort Ersatz.")),
        (("Kann ich per Überweisung zahlen?", "Mir wurde zweimal abgebucht.", "Wo finde ich die Rechnung?"),
         ("Die zweite Abbuchung wird in {days} Tagen storniert.", "Alle Rechnungen liegen in Ihrem Konto.")),
        (("Danke, das war alles.", "Super, vielen Dank.", "Ich möchte mit einem Menschen sprechen."),
         ("Gern geschehen, schönen Tag noch!", "Ich verbinde Sie.")),
    ),
}  # fmt: skip
# What people put before a question
OPENERS = {
    "en": ("Hi, quick question.", "Hello!", "Good morning.", "Sorry to bother you again.", "Hey there,", "I have been waiting for an hour."),
    "es": ("Hola.", "Buenos días."),
    "fr": ("Bonjour.", "Bonsoir."),
    "de": ("Hallo!", "Guten Tag."),
}  # fmt: skip
TALK_PERSONAL = {
    "en": (
        "My name is {person} and my e-mail is {email}.", "Sure, you can reach me at {phone}.", "It's {email}, the order is under that address.",
        "The card is {card}, is that one on file?", "Please refund it to {iban}.", "My social is {national_id} if you need it.",
        "I live at {street} now, the old address is wrong.", "The order is for my partner, {other_person}, at {other_email}.",
        "Yes this is {person}, born {birth_date}.", "Call {other_person} on {other_phone}, she will open the door.",
        "I signed in from {ip} yesterday, was that you?", "hi its {person} again, number is {phone}",
    ),
    "es": ("Me llamo {person} y mi correo es {email}.", "Mi teléfono es {phone}.", "Mi DNI es {national_id}.", "Devuelva el dinero a {iban}, por favor."),
    "fr": ("Je m'appelle {person}, mon adresse est {email}.", "Vous pouvez m'appeler au {phone}.", "Remboursez sur {iban}, s'il vous plaît.", "Mon numéro de sécurité sociale est {national_id}."),
    "de": ("Mein Name ist {person}, meine E-Mail ist {email}.", "Sie erreichen mich unter {phone}.", "Bitte auf {iban} erstatten.", "Ich wohne jetzt in der {street}."),
}  # fmt: skip

# Reviews: rating group -> (title, body), English
REVIEWS: dict[str, tuple[tuple[str, str], ...]] = {
    "good": (
        ("Exactly what I wanted", "The {thing} does exactly what it says. Arrived early and well packed."),
        ("Love it", "I use the {thing} every single day and it still looks like new."),
        ("Worth every cent", "Not the cheapest {thing}, but you can feel where the money went."),
        ("Better than expected", "I was sceptical at first, but this {thing} is better than my old one in every way."),
        ("Great gift", "Bought the {thing} for my father's birthday. He will not stop talking about it."),
        ("Solid", "Sturdy {thing}, simple to use, no nonsense."),
        ("Second one already", "This is our second {thing}; the first went to my sister because she liked it so much."),
        ("Quiet and reliable", "Half a year in, the {thing} works without a hitch."),
        ("Beautiful", "The {thing} looks even better than in the pictures."),
        ("Five stars for service too", "One part was missing, the assistant sent it the same day. The {thing} itself is excellent."),
        ("Perfect for small flats", "Small enough for our flat, and the {thing} still does the job."),
        ("Would buy again", "Good {thing}. Would buy again."),
    ),
    "fair": (
        ("Does the job", "The {thing} is fine. Nothing special, nothing wrong."),
        ("Good but pricey", "I like the {thing}, yet it should cost a third less."),
        ("Mixed feelings", "Lovely design, but the manual of the {thing} is a riddle."),
        ("Smaller than I thought", "Check the measurements: the {thing} is smaller than it looks."),
        ("OK", "Delivery took two weeks. The {thing} is okay."),
        ("Nice, with a flaw", "The {thing} works well, only the switch feels cheap."),
    ),
    "bad": (
        ("Broke after a month", "The {thing} broke after four weeks. Waiting for the repair."),
        ("Disappointed", "I expected more of a {thing} at this price."),
        ("Not as described", "The {thing} in the box is not the one in the pictures."),
        ("Too loud", "The {thing} is far too loud for a bedroom."),
        ("Returned it", "Sent the {thing} back after two days. At least the refund was quick."),
        ("Arrived damaged", "The box was crushed and the {thing} scratched."),
        ("Do not buy", "Stopped working twice in a month. Look for another {thing}."),
    ),
}  # fmt: skip
CLOSINGS = (
    "Recommended.", "Thanks to the team!", "Will update this review in a few months.", "Colour is a bit darker than on the screen.",
    "Delivery was on time.", "We use it three or four times a week.", "My partner agrees.", "The box could do without so much tape.",
)  # fmt: skip
REVIEWS_ELSEWHERE: dict[str, tuple[tuple[int, str, str], ...]] = {
    "es": ((5, "Muy contento", "Muy contento con {thing}. Llegó antes de lo previsto."), (5, "Excelente", "Excelente calidad, lo recomiendo."),
           (4, "Buena compra", "Funciona bien {thing}, aunque el manual es confuso."), (3, "Normal", "Cumple, pero esperaba más."),
           (1, "Una decepción", "Dejó de funcionar a las dos semanas.")),
    "fr": ((5, "Parfait", "Très bon achat, {thing} correspond à la description."), (5, "Ravie", "Livraison rapide, produit de qualité."),
           (4, "Bien", "Bon rapport qualité-prix pour {thing}."), (3, "Moyen", "Correct, sans plus."),
           (2, "Déçu", "En panne au bout d'un mois, dommage.")),
    "de": ((5, "Sehr gut", "Rundum zufrieden: {thing} hält, was versprochen wird."), (5, "Top", "Schnelle Lieferung, gute Verarbeitung."),
           (4, "Gut", "Macht einen soliden Eindruck: {thing}."), (3, "Geht so", "Für den Preis in Ordnung."),
           (1, "Leider kaputt", "Nach drei Wochen defekt, Service reagiert langsam.")),
}  # fmt: skip
REVIEWS_PERSONAL = (
    "Questions? Write to me at {email}.", "{person}, {street}", "Selling mine, call {phone}.", "Greetings to {other_person} who recommended it!",
    "If anyone from the shop reads this: {other_email} never answers.",
)  # fmt: skip

MEMOS = (
    "Paid in full, thank you.", "Customer asked for thirty days instead of fourteen.", "First reminder sent.", "Second reminder sent by post.",
    "Discount of eight per cent agreed with sales.", "Partial delivery, the rest follows next week.", "Tax number checked and valid.",
    "Cash on delivery, signed by the neighbour.", "Voucher applied before tax.", "Amount in dispute, see the case in the service desk.",
    "Credit note follows.", "Goods returned, refund approved.", "Delivered to the loading bay, gate {days}.", "Payment plan over {days} weeks agreed.",
    "Due date moved by {days} days at the customer's request.", "Invoice copy sent again.", "Wrong cost centre corrected.", "Customer paid twice, balance kept for next order.",
    "Order number of the company missing on the first copy.", "Called, line busy, try again in {days} days.",
)  # fmt: skip
MEMOS_PERSONAL = (
    "Attn. {person}, copy to {email}.", "Paid by card {card}.", "Refund to {iban} on request of {person}.", "Spoke to {person} on {phone}, will pay this week.",
    "Delivered to {other_person}, {street}.", "Bill to {street}, attention {person}.", "SSN {national_id} noted for the credit check.",
    "{other_person} ({other_email}) pays on behalf of the customer.", "Card {card} declined, second try with {card}.",
    "Bank details changed to {iban}, confirmed by phone {phone}.", "Customer's date of birth {birth_date} checked.", "Mail to {email} bounced, sent to {other_email} instead.",
)  # fmt: skip

NOTES = (
    "Please ring twice.", "Leave it with the neighbour.", "Gift, please no invoice in the box!", "Back door, the front bell is broken.", "Deliver after 5 pm.",
    "Second floor, no lift, sorry.", "Fragile.", "Por favor, llamar antes.", "Laisser chez le gardien.", "Bitte beim Nachbarn abgeben.", "请放在门口", "يرجى الاتصال قبل التوصيل",
)  # fmt: skip
NOTES_PERSONAL = (
    "Call me on {phone} when you are near.", "For {other_person}, {street}.", "Door code 4711, ask for {person}.", "Send the tracking link to {email} please.",
    "Neighbour {other_person} takes it, phone {other_phone}.",
)  # fmt: skip
