"""What the fields of instances mean, with their units."""

QUESTION = """
Instance.name: An id of the question: letters, digits and _ . : / @ + -
Instance.description: Free text; plans and reports repeat it.
Instance.horizon: The time that is planned: its start, its length in hours, its periods.
Instance.currency: One other currency in which amounts may be stated and are shown.
Instance.catalogue: Which operators, regions and offers may be used, and your own figures over the catalogue's.
Instance.laws: Which laws bind, and what is made of what nobody knows.
Instance.carbon: How carbon is accounted for, and its price.
Instance.target_utilisation: How full the machines of services run at the peak, as a share.
Instance.unserved_usd_per_unit: USD for a unit of work left unserved; without it all demand is served.
Instance.origins: Places where users are, for streams to name.
Instance.workloads: What has to run: services, which answer demand as it comes, and jobs, which have an amount of work.
Instance.datasets: Data at rest that workloads read; where their copies lie is part of the plan.
Instance.budgets: Caps over the horizon on carbon, water, energy or money.
Instance.policies: Rules of your own on operators, places, certificates, spot machines and failures.
Instance.quotas: What can be had at once: catalogues state prices, not stock.
Instance.commitments: Machines that are paid for already.
Instance.buy: What the plan may commit to beside that.
Instance.discounts: Negotiated reductions of list prices.
Instance.mechanism_costs: What transfer mechanisms cost; one without a stated cost is not available.
Instance.tenant: Who uses the capacity, as rules on export and sanctions ask.
Instance.legal_assertions: What you state about yourself and your partners; every plan repeats it.
Instance.current: What runs today, what moving costs, and how much may move.
Period.id: The name of the period.
Period.hours: Its length in hours.
Horizon.start: First day, from 00:00 UTC.
Horizon.hours: Length of the whole horizon in hours (730: a month), cut into count equal periods.
Horizon.count: Number of equal periods.
Horizon.periods: Periods one by one, in the place of hours and count.
Currency.code: Its three letters (EUR); any usd in the name of a field may then be written in it (limit_eur).
Currency.usd_per_unit: What 1 of it is worth in USD.
Currency.date: The day of that rate.
Origin.id: The name by which streams name the place.
Origin.country: The country whose law asks.
Origin.lat: Latitude in degrees.
Origin.lon: Longitude in degrees.
Carbon.basis: Basis of emissions: of the grid over its life cycle, direct from the grid, or by suppliers' claims.
Carbon.embodied: Whose figures of making the machines count.
Carbon.resolution: Annual means, or the hourly shape of a typical day of the month.
Carbon.price_usd_per_tonne: Price of carbon in the objective, in USD per tonne of CO2e.
Carbon.network_kwh_per_gb: What the network draws for a GB sent between regions or to users, in kWh.
Carbon.residual_mix_g_per_kwh: By country what electricity emits that no claim covers, in g/kWh (market-based figure).
LawsUse.use: world, none, or laws of your own: a file or folder beside the instance.
LawsUse.as_of: The day of your knowledge; verdicts are taken on each period's date.
LawsUse.unknown: What is made of what nobody knows.
LawsUse.patches: Changes of laws, made in order.
Unknown.law: A jurisdiction that nobody reviewed, or whose rule no row states.
Unknown.access: An operator whose support countries are not known.
Unknown.certificate: A certificate that nobody knows to be held.
Unknown.seal: A level of sovereignty that a policy asks for and nobody knows.
Unknown.tenant: Who uses the capacity, or for what, where that is not stated and a rule asks.
Tenant.headquarters: Country of its headquarters.
Tenant.parent: Country of its ultimate parent's headquarters; who has no parent states its own seat twice.
Tenant.end_use: What the capacity is used for (inference, training, analysis, military, ...).
Tenant.name: Its name, as a party that may be on lists.
Tenant.customers: Whom it lets use what runs there, by name.
"""

CATALOGUE = """
CatalogueUse.use: world (bundled), inline, or a folder of tables beside the instance.
CatalogueUse.providers: Whose offers may be used: ids, or the sets hyperscalers, eu_operated and all.
CatalogueUse.exclude_providers: Operators that may not be used.
CatalogueUse.regions: Only these regions (provider:region); all of the providers' unless stated.
CatalogueUse.exclude_regions: Regions that may not be used.
CatalogueUse.countries: Only regions in these countries.
CatalogueUse.exclude_countries: No regions in these countries.
CatalogueUse.exclude_offers: Offers that may not be used, by id (aws:us-east-1:p5.48xlarge:on_demand).
CatalogueUse.access: Partitions that are open to you (public, government, china, ...).
CatalogueUse.availability: How sure offers must be (verified, price_meter, unverified, assumed, country_level).
CatalogueUse.unspecified_endpoint_scope: global lets managed endpoints that say nothing process anywhere.
CatalogueUse.endpoint_resources: Where your managed endpoints sit and process, where the catalogue does not say.
CatalogueUse.fallbacks: Families of second-best figures that count; [] for none.
CatalogueUse.max_price_age_days: A price older than so many days is a warning.
CatalogueUse.fixed_usd_per_hour: By region the USD per hour of being in use at all; * for those not named.
CatalogueUse.latency_margin_ms: Added to estimated round trips, in ms, before they are held against a limit.
CatalogueUse.overlay: Your own figures over the catalogue's, each row with what it rests on.
CatalogueUse.inline: A catalogue wholly inside the instance.
EndpointResource.regions: Where you have resources.
EndpointResource.processing: Where endpoints of unknown scope process: region, global, or countries.
EndpointResource.ids: Of these endpoints alone.
EndpointResource.models: Of these models alone.
EndpointResource.scopes: Of these scopes alone.
InlineCatalogue.providers: Its operators.
InlineCatalogue.regions: Its regions.
InlineCatalogue.offers: Its machines, each in a region at a price.
InlineCatalogue.endpoints: Its managed endpoints.
InlineCatalogue.network: Round trips and prices between places.
InlineCatalogue.throughput: Speeds by workload and accelerator.
InlineProvider.id: Its id.
InlineProvider.headquarters: Country of its headquarters.
InlineProvider.parent: Country of its ultimate parent.
InlineProvider.control: Countries that can compel it; unknown where absent.
InlineProvider.certifications: Certificates that every service holds in every region.
InlineProvider.seal: SEAL levels of its services, by objective.
InlineRegion.id: Its id.
InlineRegion.provider: Who operates it.
InlineRegion.subdivision: State or province, where law differs by it (US-CA).
InlineRegion.metro: Metropolitan area, for survival of its failure.
InlineRegion.fixed_usd_per_hour: USD per hour of being in use at all.
InlineRegion.lat: Latitude in degrees.
InlineRegion.lon: Longitude in degrees.
InlineRegion.pue: Power usage effectiveness: energy of the facility over that of the machines, at least 1.
InlineRegion.wue_l_per_kwh: Water in litres per kWh of the machines.
InlineRegion.grid_g_per_kwh: Carbon of the grid in g CO2e per kWh, one value or one for each period.
InlineRegion.storage_usd_per_gb_month: USD for a GB stored a month (730 h).
InlineRegion.egress_usd_per_gb: USD for a GB sent out.
InlineOffer.sku: The type of machine.
InlineOffer.region: The region it is in, by its id.
InlineOffer.devices: Number of accelerators in it.
InlineOffer.vcpus: vCPUs of a machine without accelerator.
InlineOffer.device_memory_gb: Memory of one accelerator in GB.
InlineOffer.software: What it runs (cuda, rocm, neuron, tpu).
InlineOffer.arch: Architecture of its processor.
InlineOffer.usd_per_hour: USD for an hour of the machine.
InlineOffer.interruption_share: Of machines on spot the share that is taken back within a month.
InlineOffer.idle_kw: Power of the machine without load, in kW.
InlineOffer.load_kw: Power of the machine under load, in kW.
InlineOffer.embodied_kg_per_hour: Carbon of making it, in kg CO2e per hour of use.
InlineEndpoint.id: Its id.
InlineEndpoint.region: Where its resource is, by the region's id.
InlineEndpoint.model: The model it serves.
InlineEndpoint.usd_per_unit: USD for a unit of work.
InlineEndpoint.kg_per_unit: All carbon of a unit of work, in kg CO2e.
InlineEndpoint.embodied_kg_per_unit: The embodied part of that, in kg CO2e.
InlineEndpoint.kwh_per_unit: Energy of a unit of work in kWh, its facility included.
InlineEndpoint.countries: Where it processes.
NetworkLink.origin: A stream's origin, or a region.
NetworkLink.rtt_ms: Round trip in ms.
NetworkLink.usd_per_unit: USD for a unit of work that takes this way.
NetworkLink.usd_per_gb: USD for a GB that takes this way.
Throughput.units_per_s: Units of work per second of one device (cpu: of one vCPU).
"""

WORKLOADS = """
Runs.model: A model of the catalogue (domicile catalogue models).
Runs.profile: Which throughput profile, where several fit.
Runs.precision: Number format of the weights (bf16, fp8, 4-bit).
Runs.input_tokens: Tokens read for one request.
Runs.output_tokens: Tokens written for one request; work is counted in these.
Runs.throughput: Or explicit speeds: units of work per second of one device, by accelerator.
Runs.software: What it is built for (cuda, rocm, neuron, tpu).
Runs.accelerators: Only these accelerators.
Runs.min_device_memory_gb: Memory of one device at least, in GB.
Runs.arch: Architecture of the machine's processor.
Runs.burstable: Opens burstable machines, on which no steady load may count.
Runs.devices_per_replica: Devices of one machine on which one replica works; from memory unless stated.
Runs.concurrency: Requests in flight on one replica.
Runs.ttft_ms: Time to the first token, at most, in ms, at the replica.
Runs.tpot_ms: Time per output token after it, at most, in ms.
Runs.weakest_speed: The weakest figure of speed that counts.
Runs.via: Machines (instance), managed endpoints (endpoint), or both.
Runs.purchase: Ways of buying that are open to it.
Runs.endpoint_models: Which managed endpoints may serve, by model.
Runs.endpoint_scopes: Which managed endpoints may serve, by scope of processing.
Data.subjects: Jurisdictions of the persons; by default a stream's origin, of a job or dataset stated.
Data.subjects_by: The same by why they count there: citizenship, residence, collection.
Data.persons: How many persons by jurisdiction, for laws with thresholds.
Data.sensitive_persons: Of how many of them there are sensitive data.
Data.flags: Facts that laws ask about.
Data.state: How the data are protected (encrypted, keys_exporter, pseudonymised, ...).
Data.retention_hours: For how long prompts, logs, caches and checkpoints are kept where it runs, in hours.
Data.retained_gb: The size of that in GB.
Data.via: Places that the data pass on their way.
Data.onward: Places of recipients to whom the data are sent on; [] for none.
Service.id: Its id.
Service.runs: What it can run on, and how fast.
Service.data: The data it handles, as the law sees them.
Service.indivisible: One region only.
Service.min_regions: In so many regions at least.
Service.max_regions: In so many regions at most.
Service.providers: Only at these operators.
Service.regions: Only in these regions.
Service.unserved_usd_per_unit: USD for a unit of its work left unserved.
Service.move_usd: What moving it costs, in USD, once.
Service.tenant: Who uses it, where that is another than the instance's.
Service.priority: Where not everything fits: what is served first, the highest first. No plan depends on it.
Service.streams: Who asks, how much, and how near it must be.
Service.target_utilisation: How full its machines run at the peak, as a share.
Service.response_gb_per_unit: GB sent to users for a unit of work.
Service.state_gb: GB that move with it into a new region: weights, indexes, caches.
Service.survival: What it survives.
Stream.id: Its id; by default the origin.
Stream.origin: Where users are: a country (DE), a city (DE:Munich), or an id of origins.
Stream.rate: Peak demand in unit, which sizes capacity; one value or one for each period.
Stream.mean_rate: Mean demand in unit, which is served, sent and paid for by use.
Stream.unit: Unit of the rates: work per s, min, h or day (tokens/s, requests/min).
Stream.max_rtt_ms: Round trip between users and region, at most, in ms.
Stream.subjects: Jurisdictions of the persons, instead of those of data.
Stream.subjects_by: The same by why they count there, instead of those of data.
Stream.state: How the data are protected, instead of that of data.
Survival.of: What may fail, one at a time.
Survival.share: Share of every stream's demand that is still served then.
Job.id: Its id.
Job.runs: What it can run on, and how fast.
Job.data: The data it handles, as the law sees them.
Job.indivisible: One region only.
Job.min_regions: In so many regions at least.
Job.max_regions: In so many regions at most.
Job.providers: Only at these operators.
Job.regions: Only in these regions.
Job.unserved_usd_per_unit: USD for a unit of its work left undone.
Job.move_usd: What moving it away from where it runs today costs, in USD, once.
Job.tenant: Who uses it, where that is another than the instance's.
Job.priority: Where not everything fits: what is done first, the highest first. No plan depends on it.
Job.work: Amount of work over the horizon, in unit.
Job.unit: Unit of the work (tokens, samples, images).
Job.release_hours: It begins no earlier, in hours from the start of the horizon.
Job.deadline_hours: It ends no later, in hours from the start of the horizon.
Job.gang_devices: Devices that work together in one region; without it a gang is one machine with all it has.
Job.max_gangs: So many gangs may run side by side.
Job.interruptible: It may pause between periods, and run on spot.
Job.deferrable: It may begin later than its release.
Job.may_move: It may go on in another region.
Job.checkpoint_gb: GB that such a move carries.
Job.spot_overhead: Share of extra hours that interruptions cost on spot.
Job.output_gb: GB sent to the internet when all is done.
Dataset.id: Its id.
Dataset.subjects: Jurisdictions of the persons; by default the keys of persons.
Dataset.subjects_by: The same by why they count there: citizenship, residence, collection.
Dataset.persons: How many persons by jurisdiction, for laws with thresholds.
Dataset.sensitive_persons: Of how many of them there are sensitive data.
Dataset.flags: Facts that laws ask about.
Dataset.state: How the data are protected (encrypted, keys_exporter, pseudonymised, ...).
Dataset.via: Places that the data pass on their way.
Dataset.onward: Places of recipients to whom the data are sent on; [] for none.
Dataset.min_copies: So many copies at least.
Dataset.min_countries: In so many countries at least.
Dataset.regions: Where copies may be.
Dataset.present_in: Where copies are already.
Dataset.readers: Which workloads read it, and how much.
Reader.gb: GB read over the horizon when all its demand is served.
"""

LIMITS = """
Scope.workloads: Workloads, by id; none selects all.
Scope.tags: Workloads with one of these tags; none selects all.
Scope.periods: Periods, by id; none selects all.
Budget.id: Its id.
Budget.limit_kg: At most so much carbon, in kg CO2e over the horizon.
Budget.limit_l: At most so much water, in litres over the horizon.
Budget.limit_kwh: At most so much energy, in kWh over the horizon.
Budget.limit_usd: At most so much money, in USD over the horizon.
Budget.estimate: Which estimate of the energy of managed endpoints counts.
Budget.counts: All carbon, or the operational part alone.
Budget.basis: The basis of emissions, which must be the instance's.
ProviderShare.kind: No operator, or these together, may have more than a share.
ProviderShare.id: Its id.
ProviderShare.providers: The operators that count together; each alone if empty.
ProviderShare.max_share: The share at most.
ProviderShare.measure: What is shared out.
ExcludeControl.kind: No operator that these jurisdictions can compel.
ExcludeControl.id: Its id.
ExcludeControl.jurisdictions: Countries that must not be able to compel the operator.
ExcludeControl.basis: strict counts any exposure, ownership only the home and the ultimate parent.
RequireCertification.kind: The service in its region holds certificates.
RequireCertification.id: Its id.
RequireCertification.schemes: The certificates, as the law pack calls them.
RequireCertification.need: All of them, or any one.
Sovereignty.kind: The operator's services have SEAL levels, or a sovereignty score, of the EU framework.
Sovereignty.id: Its id.
Sovereignty.min_seal: Least SEAL level, 0 to 4, by objective.
Sovereignty.min_sovereignty_score: Least sovereignty score in per cent.
Sovereignty.trust: Whose word binds a level from below.
CountryShare.kind: At least a share falls in some countries.
CountryShare.id: Its id.
CountryShare.min_share: The share at least.
CountryShare.measure: What is shared out.
SpotShare.kind: At most a share of device-hours runs on spot.
SpotShare.id: Its id.
SpotShare.max_share: The share at most.
SurvivalPolicy.kind: Services in scope survive a failure.
SurvivalPolicy.id: Its id.
SurvivalPolicy.of: What may fail, one at a time.
SurvivalPolicy.share: Share of every stream's demand that is still served then.
AllowedPlaces.kind: Placements and copies stay in some places, or out of some.
AllowedPlaces.id: Its id.
AllowedPlaces.allow: Countries, subdivisions or country groups to stay in.
AllowedPlaces.deny: Countries, subdivisions or country groups to stay out of.
PlacesInUse.kind: How many places are used together.
PlacesInUse.id: Its id.
PlacesInUse.of: What is counted.
PlacesInUse.max_in_use: So many at most.
PlacesInUse.min_in_use: So many at least.
PlacesInUse.price_usd: USD over the horizon for each place in use.
Quotas.default_devices: Accelerators of a kind in a region where no quota says otherwise; unlimited must be said.
Quotas.default_vcpus: vCPUs without accelerator in a region where no quota says otherwise; unlimited must be said.
Quotas.default_endpoint_units_per_s: Work per second of a managed endpoint where no quota says otherwise.
Quotas.limits: Quotas one by one.
Quota.id: Its id.
Quota.accelerator: Of this accelerator alone.
Quota.region: In this region alone (provider:region).
Quota.provider: At this operator alone.
Quota.country: In this country alone.
Quota.model: Of managed endpoints of this model alone.
Quota.endpoint: Of this managed endpoint alone.
Quota.devices: So many accelerators at once.
Quota.vcpus: So many vCPUs of machines without accelerator at once.
Quota.kw: So much power of machines at once, in kW.
Quota.units_per_s: So much work of managed endpoints, in units per second.
Commitment.id: Its id.
Commitment.instances: So many machines are paid for.
Commitment.usd_per_hour: What an hour of one of them costs, in USD; decides nothing, and says what idle ones cost.
Discount.percent: Reduction of list prices in per cent; negative: a surcharge.
Discount.applies_to: Classes of prices that it reduces.
MechanismCost.id: The mechanism (SCC_EU, BCR_EU, ...).
MechanismCost.one_off_usd: What it costs once, in USD for each key of its charge scope.
MechanismCost.yearly_usd: What it costs a year, in USD for each key of its charge scope.
MechanismCost.amortisation_years: Years over which the one-off cost is spread.
LegalAssertions.exporters: Who answers for the data.
LegalAssertions.group_members: Operators inside your corporate group.
LegalAssertions.mechanisms_held: Safeguards that are in place already.
LegalAssertions.importer_status: By operator the lists it stands on (DPF, ...).
LegalAssertions.approvals: Decisions of regulators that were granted.
LegalAssertions.overrides: Signed statements that a law does not bind here.
LegalAssertions.support: By operator the terms of support that your contract has.
LegalAssertions.parties: Parties that you looked up on lists of sanctioned or controlled ones.
LegalAssertions.accepts: Who goes on with an action that is open.
LegalAssertions.advisory: Guidance binds, too.
Exporter.id: Its id, by which data name it.
Exporter.country: Where it is established.
Exporter.headquarters: Country of its headquarters.
Exporter.roles: Roles (controller, processor) and statuses (bank, ..., no_special_status) that laws ask for.
Exporter.flags: Facts that laws ask about.
Exporter.counts: Numbers that laws with thresholds ask for.
StatedCount.what: What was counted (persons, daily_users, devices, ...).
StatedCount.of: Of which place.
StatedCount.count: How many.
StatedCount.window: Over which time.
HeldMechanism.id: The mechanism.
HeldMechanism.exporter: For this exporter alone; all if absent.
HeldMechanism.importer: For this operator alone; all if absent.
HeldMechanism.country: For this country alone; all if absent.
Approval.mechanism: The mechanism that was approved.
Approval.reference: Where the decision is found.
Override.author: Who signs.
Override.expires: Its last day.
Override.countries: In these countries alone.
Override.providers: At these operators alone.
Acceptance.rule: What the open action stands under (access:aws, coverage:GB, mechanism:SCC_EU, ...).
Acceptance.author: Who accepts it.
Acceptance.expires: Its last day.
StatedParty.name: An operator, exporter, tenant, customer, or the owner of another party.
StatedParty.lists: Lists it is on; [] for none.
StatedParty.owners: Who owns shares of it.
Owner.name: Who owns a share.
Owner.percent: The share in per cent.
"""

COMMITTING = """
Buy.expected_use_months: For how many months what is bought is going to be used.
Buy.listed: Commitments of the catalogue that may be bought.
Buy.instances: Machines that may be reserved for a term.
Buy.plans: Spending that may be committed to for a term.
ListedToBuy.terms: Only these terms (6m, 1y, 3y).
ListedToBuy.payments: Only these ways to pay.
InstancesToBuy.id: Its id.
InstancesToBuy.term: Months or years (6m, 1y, 3y).
InstancesToBuy.usd_per_hour: USD for every hour of the term, used or not, for each machine.
InstancesToBuy.upfront_usd: USD once, for each machine.
InstancesToBuy.max_instances: So many at most.
PlanToBuy.id: Its id.
PlanToBuy.term: Months or years (6m, 1y, 3y).
PlanToBuy.rates: What it covers, and at which rate.
PlanToBuy.payment: When it is paid.
PlanToBuy.max_usd_per_hour: USD per hour that may be committed to, at most.
PlanRate.region: In this region alone; in all of the operator's if absent.
PlanRate.usd_per_hour: What an hour of one machine draws of the plan, in USD.
Current.placements: Where workloads run today, and on what.
Current.copies: Where copies of datasets lie today.
Current.mechanisms: Safeguards in force today.
Current.plan: A plan file whose placements, copies and safeguards are added to these.
Current.move_usd: What a workload that moves costs, in USD, once.
Current.overlap_hours: For so many hours today's machines are kept beside the new ones.
Current.max_moves: So many workloads may move at most.
Current.max_moved_share: This share of the workloads that run today may move at most.
RunningToday.instances: How many machines.
RunningToday.served_per_s: Demand served here, in units of work per second: how it is split.
RunningToday.work_units: Work done here: how it is split.
RunningToday.instance_hours: Hours of machines paid for.
RunningToday.usd_per_hour: Price of a machine that the catalogue no longer lists, in USD per hour.
SafeguardToday.key: The key of its charge scope.
"""

TEXTS = (QUESTION, CATALOGUE, WORKLOADS, LIMITS, COMMITTING)
