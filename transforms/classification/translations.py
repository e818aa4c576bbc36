"""Words of other languages, abbreviations and phrases in the names of fields, and the English ones they stand for.

Belongs here: Spanish, French and German words, and short forms. Must not: what the words mean for privacy (lexicon.py).
"""

# An English word: what stands for it, in short or in Spanish, French or German. Plurals are found by rule.
TRANSLATIONS = """
account: acct acc konto cuenta compte
address: addr adr direccion adresse anschrift domicilio domicile indirizzo
admission: aufnahme ingreso
age: edad alter
allergy: allergie alergia
amount: importe montant betrag monto amt
apartment: apt apto appartement wohnung piso suite
author: autor auteur verfasser
avatar: profilbild
balance: saldo solde kontostand
bank: banque banco
birth: geburt geburts nacimiento naissance born bday birthday geboren
birth date: dob geburtsdatum geburtstag birthdate
birth place: birthplace geburtsort
billing: bill facturacion facturation rechnungs facturado bil
blood: blut sangre sang
card: tarjeta carte karte kreditkarte
cardholder: karteninhaber
category: categoria categorie kategorie
cell: handy movil celular portable mob mobil mobile cellphone
city: ciudad ville stadt ort wohnort town municipio municipality localidad locality commune village suburb
client: clients
code: codigo kode cod cd
comment: comentario commentaire kommentar
company: empresa societe entreprise firma unternehmen compania employer arbeitgeber companyname
condition: affection erkrankung
contact: contacto kontakt ansprechpartner contactperson
country: pais pays land
county: landkreis comarca
created: creation creacion erstellt angelegt alta
credit: credito kredit
customer: cust client cliente kunde kunden clienta acheteur buyer shopper klient purchaser besteller kdnr
date: fecha datum fch dat
death: deceased tod fallecimiento deces gestorben fallecido
department: departamento abteilung departement dept
description: descripcion beschreibung desc descr bezeichnung libelle
diagnosis: diagnostico diagnostic diagnose dx
disability: discapacidad handicap behinderung disabled
district: arrondissement bezirk quartier barrio neighbourhood neighborhood
donor: donante donateur
driver: conductor conducteur fahrer
email: mail correo courriel emailaddress mailadresse mel
employee: emp empleado empleada employe salarie mitarbeiter personal angestellter worker staff trabajador
end: fin ende
ethnicity: ethnic ethnie etnia ethnicgroup
expiry: exp expiration expires expiracion ablauf vencimiento caducidad
family name: surname apellido apellidos familienname lname nachname cognome lastname familyname patronyme
father: padre pere vater
fax: telefax telecopie
first name: vorname prenom fname firstname givenname forename nombrepropio vornamen
flag: indicator kennzeichen
full name: fullname nombrecompleto nomcomplet
gender: sex sexe sexo geschlecht genero civilite anrede
given: giv
guest: huesped gast
height: groesse taille altura estatura
holder: titular titulaire inhaber
house number: hausnummer hausnr numeroportal
identity: identidad identite ausweis identification
hire: hired contratacion embauche eintritt eintritts einstellung
income: einkommen ingresos revenu revenus renta
insurance: versicherung seguro assurance assicurazione
insured: asegurado assure versicherter versicherte
language: idioma langue sprache lang
latitude: lat
license: licence licencia permis fuehrerschein fahrerlaubnis lic
line: ligne linea zeile
login: logon userlogin
longitude: lon lng long
maiden: soltera madchenname maedchenname
manager: jefe vorgesetzter responsable mgr gerente boss
marital status: familienstand zivilstand
medical: medico medizinisch medicale
medication: medikament medicamento medicament drug rx arzneimittel
member: mitglied miembro membre afiliado adherent
memo: vermerk
message: mensaje nachricht msg
mother: madre mere mutter
name: nombre nom nm namen
nationality: nacionalidad nationalite staatsangehoerigkeit staatsburgerschaft citizenship
note: nota bemerkung bemerkungen notiz notizen observaciones anmerkung remarque
number: numero nummer nr num no nbr
occupation: profession beruf ocupacion profesion oficio
order: pedido commande bestellung auftrag
organization: organisation organizacion org orga
owner: propietario proprietaire besitzer eigentuemer eigentumer halter
passport: pasaporte passeport reisepass reisepassnummer
password: passwd pwd passwort kennwort contrasena passphrase motdepasse
patient: paciente pat
payee: zahlungsempfaenger
payer: zahler
payment: pago paiement zahlung
person: persona personne people human ppl
phone: telecom telefono telephone telefon tel tlf tlfno fon rufnummer telno fono gsm
photo: foto selfie picture headshot lichtbild
physician: medecin arzt doctor surgeon
pin: pincode
policyholder: versicherungsnehmer tomador
postal: postale
postal code: zip zipcode postcode plz postleitzahl codpostal cp zipcd postalcode
prefix: praefix
pregnant: pregnancy schwanger embarazada enceinte embarazo
prescription: receta ordonnance rezept
price: precio prix preis
procedure: eingriff
province: provincia provinz bundesland kanton canton prov
race: raza
recipient: destinatario destinataire empfaenger receiver addressee consignee
region: comunidad
religion: konfession denomination religious
remark: remarks
representative: rep vertreter
salary: gehalt lohn salario sueldo salaire wage wages payroll nomina paga
salutation: courtesy honorific tratamiento
secret: geheimnis secreto
sender: remitente expediteur absender
shipping: ship envio livraison lieferung liefer versand delivery entrega shipment
signature: unterschrift signatur
smoking: smoker tobacco fumador fumeur raucher
social security: sozialversicherung sozialversicherungs
spouse: conyuge conjoint ehepartner
state: estado etat
status: statut
street: calle rue strasse straat avenue avenida streetname
student: alumno alumna etudiant eleve schueler studierender pupil estudiante
subscriber: abonado abonne abonnent
supervisor: supervisora
supplier: proveedor fournisseur lieferant
surname: nachn
symptom: sintoma symptome
tax: steuer impuesto impot fiscal impots
tax id: steuerid steuernummer taxid nif tin taxnumber taxpayer cif
teacher: profesor profesora professeur lehrer lehrerin
tenant: mieter inquilino locataire
title: titel titulo titre
token: jeton
treatment: behandlung traitement
type: tipo typ art
user: usuario usuaria utilisateur benutzer nutzer usr anwender
username: benutzername nombreusuario loginname screenname
vaccine: vaccination vacuna vaccin impfung impfstoff immunization immunisation
vehicle: vehiculo vehicule fahrzeug
visitor: visitante visiteur besucher
weight: peso poids gewicht
zone: zona
"""

# Several words that together mean something else.
PHRASES = """
mot de passe: password | code postal: postal code | codigo postal: postal code
estado civil: marital status | situation familiale: marital status | etat civil: marital status
seguridad social: social security | securite sociale: social security
sozial versicherung: social security | e mail: email | e email: email | zip code: postal code
post code: postal code | postal code code: postal code | given name: first name | last name: family name
sur name: family name | second name: family name | middle name: middle name | nombre completo: full name
nom complet: full name | correo electronico: email | adresse electronique: email
address electronica: email | direccion electronica: email | email address: email
numero client: customer number | user name: username | screen name: username | post leitzahl: postal code
birth name: maiden name | name use: name use | date of birth: birth date | place of birth: birth place
lugar birth: birth place | lieu birth: birth place | account bancaria: bank account
compte bancaire: bank account | bank verbindung: bank account | bankverbindung: bank account
address electronique: email | driver s license: driver license | drivers license: driver license
driving license: driver license | number plate: license plate | matricula: license plate
immatriculation: license plate | kennzeichen: license plate | kranken kasse: health insurance
krankenkasse: health insurance | mail address: email | web site: url | cell phone: phone
cell number: phone | phone cell: phone | cell: phone | haus number: house number
family stand: marital status | personal number: employee number | fiscal code: tax id
codice fiscale: tax id | tax identification: tax id | postal state code: postal code
adresse email: email | address email: email | email adresse: email | codice postale: postal code
po box: street | p o box: street | sex orientation: sexual orientation | o auth: oauth
time stamp: timestamp | explanation of benefit: claim | bank account number: account number
"""
